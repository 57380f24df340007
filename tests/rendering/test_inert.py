"""Exported Markdown loads nothing in whatever opens it, and its code is as it was."""

from __future__ import annotations

import random
import time

import pytest
from markdown_it import MarkdownIt

from conversations.rendering.inert import inert

READERS = [MarkdownIt("commonmark"), MarkdownIt("gfm-like2", {"html": True, "linkify": False})]
# What texts are made of that readers take apart differently.
PIECES = [
    "![x](e)", "<img src=e>", "`", "``", "```", "\n", "\n\n", "> ", "- ", "    ", "|", "|-|-|\n", "\\", "[f]: u",
    "<!--", "-->", "x ", "~~~", '<a b="', '">', "# ", "1. ", "\t", "<https://a", "`>", "!", "[", "---\n", "\r\n",
    "<x\n", "  ```\n", "   ```\n", "    ```\n", "```\n", "- ```\n", "> ```\n", "\u00a0\n", "  x\n", "- a\n", "1.  b\n",
]  # fmt: skip


def live(text: str) -> list[str]:
    """What some reader would load, or hand to a browser as HTML."""
    tokens = [token for reader in READERS for token in reader.parse(text)]
    return [
        one.content
        for token in tokens
        for one in (token, *(token.children or ()))
        if one.type in ("image", "html_inline", "html_block")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![a](https://evil.example/?q=1)", "\\![a](https://evil.example/?q=1)"),
        ("![a][r]\n\n[r]: //evil.example", "\\![a][r]\n\n[r]: //evil.example"),
        ("\\\\![a](b)", "\\\\\\![a](b)"),
        ('x<img src="https://evil.example">', 'x\\<img src="https://evil.example">'),
        ("<iframe src=//evil.example", "\\<iframe src=//evil.example"),
        ("<!-- a -->\n    ![a](b)", "\\<!-- a -->\n    \\![a](b)"),
        ("> ```\n![a](b)", "> ```\n\\![a](b)"),
        ("- a\n  ```\n```\n\n```\n![a](b)", "- a\n  ```\n```\n\n```\n\\![a](b)"),
        ("a ` b\n` ![a](b) `", "a ` b\n` \\![a](b) `"),
        ("x<img alt='`' src=e>`", "x\\<img alt='`' src=e>`"),
        ("<https://a.`b>![a](b)`", "\\<https://a.`b>![a](b)`"),
        ("|`a|![a](b)|b`|\n|-|-|-|\n|`a|![a](b)|b`|", "|`a|\\![a](b)|b`|\n|-|-|-|\n|`a|\\![a](b)|b`|"),
    ],
    ids=range(12),
)  # fmt: skip
def test_pictures_become_links_and_tags_their_words(text: str, expected: str) -> None:
    assert live(text)
    assert inert(text) == expected
    assert live(expected) == []


@pytest.mark.parametrize(
    "text",
    [
        "Words, 2 < 3, $a<b$, <https://example.org/?a=b>, <ann@example.org>, \\![no picture](b)!",
        "```html\n<img src=x>\n![a](b)\n```\n",
        "~~~~\n```\n<b>\n~~~\n</b>\n~~~~",
        "1. Step\n   ```\n   <b>\n   ```\n2. Step",
        "Write `![a](b)` or `` `<b>` ``.",
        "| `<b>` | bold |\n|---|---|\n| `![a](b)` | picture |",
        "a\r\n\r\n```\r\n<b>\r\n```\r\n",
        "```\n<b> cut off",
    ],
    ids=range(8),
)
def test_code_and_words_stay_as_they_are(text: str) -> None:
    assert inert(text) == text


def test_nothing_is_left_in_whatever_way_readers_disagree() -> None:
    chosen = random.Random(20)
    for _ in range(3000):
        text = "".join(chosen.choices(PIECES, k=chosen.randint(2, 22)))
        assert live(inert(text)) == [], repr(text)


@pytest.mark.parametrize(
    "piece", ["![", "<a ", '<a b="', " a=b", "- ", "> a\n", "`` ` ", "<!--", "|-|\n", "    ```\n"]
)
def test_a_hostile_text_takes_no_longer_than_another(piece: str) -> None:
    text = "<a" + piece * (200_000 // len(piece)) + "<b>"
    began = time.process_time()
    assert inert(text).endswith("\\<b>")
    assert time.process_time() - began < 5

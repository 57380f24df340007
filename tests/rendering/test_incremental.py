"""A text fed in pieces must end as the same HTML as the text at once, and show no fault on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.rendering.incremental import render_open
from conversations.rendering.markdown import render_document

from .fragments import cut, documents, documents_with_definitions
from .inspection import Inspector, faults

sizes = st.lists(st.integers(1, 20), min_size=1, max_size=6)


def feed(pieces: list[str]) -> tuple[list[str], bool, list[str]]:
    """Render piece by piece; return the closed blocks, whether definitions were seen, and every open HTML."""
    closed: list[str] = []
    shown: list[str] = []
    tail, references, defines = "", {}, False  # type: tuple[str, dict[str, Any], bool] | Any
    for piece in pieces:
        tail += piece
        segment = render_open(tail, references, final=False)
        assert 0 <= segment.consumed <= segment.covered <= len(tail)
        closed += segment.closed
        shown.append(segment.open)
        tail = tail[segment.consumed :]
        references = segment.references
        defines |= segment.defines
    segment = render_open(tail, references, final=True)
    assert segment.consumed == len(tail) and segment.open == ""
    return closed + segment.closed, defines or segment.defines, shown


@settings(max_examples=400, deadline=None)
@given(documents, sizes)
def test_any_text_in_any_pieces_becomes_what_it_is_at_once(text: str, sizes: list[int]) -> None:
    blocks, defines, _ = feed(cut(text, sizes))
    assert defines or blocks == render_document(text)


@settings(max_examples=250, deadline=None)
@given(documents_with_definitions, sizes)
def test_only_a_text_with_definitions_can_end_otherwise_and_says_so(text: str, sizes: list[int]) -> None:
    blocks, defines, _ = feed(cut(text, sizes))
    assert defines or blocks == render_document(text)


@settings(max_examples=60, deadline=None)
@given(documents)
def test_what_is_shown_at_every_cut_is_clean(text: str) -> None:
    closed, _, shown = feed(list(text))
    assert faults(closed + shown) == []


ANSWER = """\
# A title

Some *text* with `code`, $x^2$ and a [link](https://a.example).
Second line of it.

1. one

   ```python
   print("in a list")
   ```
2. two
   - nested

> a quote
> - with a list

| a | b |
|---|--:|
| 1 | 2 |

```js
const a = `x`;

// still open
```

$$
\\frac{a}{b}
$$

- [x] done
- [ ] open

Last words, without an end of line"""


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_an_answer_of_every_form_in_pieces_of_any_size(size: int) -> None:
    blocks, defines, _ = feed(cut(ANSWER, [size]))
    assert not defines and blocks == render_document(ANSWER)


def test_at_every_cut_closed_open_and_plain_text_together_lose_nothing() -> None:
    words = "alpha **beta** gamma\n\n- delta\n- epsilon\n\n```\nzeta\neta\n```\n\ntheta\n"
    for end in range(len(words)):
        segment = render_open(words[:end], {}, final=False)
        shown = Inspector("".join(segment.closed) + segment.open).text + words[segment.covered : end]
        for word in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"):
            assert shown.count(word) == words[:end].count(word), (end, word)


def test_a_paragraph_is_closed_by_its_blank_line() -> None:
    segment = render_open("a\nb\n\n", {}, final=False)
    assert segment.closed == ["<p>a\nb</p>\n"] and segment.open == "" and segment.consumed == 4


@pytest.mark.parametrize("text", ["# a\n", "---\n", "```\na\n```\n", "$$\na\n$$\n", "a\n===\n"])
def test_a_block_that_ends_by_itself_is_closed_at_once(text: str) -> None:
    segment = render_open(text, {}, final=False)
    assert len(segment.closed) == 1 and segment.consumed == len(text)


@pytest.mark.parametrize(
    "text", ["a\n", "- a\n\n", "```\na\n", "    a\n\n", "| a |\n|---|\n", "> a\n", "```\na\n\t```\n"]
)
def test_a_block_that_may_go_on_stays_open(text: str) -> None:
    segment = render_open(text, {}, final=False)
    assert segment.closed == [] and segment.open and segment.consumed == 0


def test_open_code_is_marked_and_its_unfinished_line_left_to_the_page() -> None:
    segment = render_open("```js\na;\nb", {}, final=False)
    assert segment.open.startswith('<figure class="code code--open">') and segment.covered == len(
        "```js\na;\n"
    )


def test_an_unfinished_line_of_marks_alone_is_not_read() -> None:
    for line in ("-", "==", "| -", "> ", "1.", "**", "```"):
        segment = render_open(f"text\n{line}", {}, final=False)
        assert segment.open == "<p>text</p>\n" and segment.covered == len("text\n")


def test_the_unfinished_line_of_a_paragraph_is_formatted() -> None:
    segment = render_open("some **bold** te", {}, final=False)
    assert (
        segment.open == "<p>some <strong>bold</strong> te</p>\n"
        and segment.closed == []
        and segment.covered == 16
    )


def test_half_a_line_end_is_held_back() -> None:
    assert render_open("a\n\n    b\r", {}, final=False).covered == len("a\n\n    b")
    assert render_open("# a\r", {}, final=False).closed == []
    assert render_open("# a\r\n", {}, final=False).consumed == 5


def test_a_definition_is_carried_to_later_text() -> None:
    first = render_open("[a]: https://x.y\n\npara\n\n", {}, final=False)
    assert first.defines and list(first.references) == ["A"]
    later = render_open("[a]\n\n", first.references, final=False)
    assert later.closed == ['<p><a href="https://x.y" target="_blank" rel="noopener noreferrer">a</a></p>\n']

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.rendering.characters import MAX_MARKS, collapse, visible

SHOWN = "\ufffd"


@given(st.text(st.characters(exclude_categories=())))
def test_every_character_keeps_its_place(text: str) -> None:
    assert len(visible(text)) == len(text)


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["Cc", "Cf"])))
def test_usual_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Ångström, naïve, Việt Nam",
        "שָׁלוֹם עוֹלָם",
        "مُحَمَّدٌ",
        "สวัสดีครับ ที่นี่",
        "नमस्ते क्षत्रिय",
        "བོད་སྐད",
        "日本語のテキスト、葛\U000e0100城市",
        "👩‍👩‍👧‍👦 ❤️‍🔥 #️⃣ ☝🏽 🏳️‍🌈",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "zero\u200bwidth soft\u00adhyphen word\u2060joiner",
        "می‌خواهم",
        "tab\tand\nline\r\n",
        "\ue000 private",
    ],
)
def test_scripts_and_emoji_of_the_world_are_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\u241b[31m"),
        ("\0a\x07", f"{SHOWN}a\u2407"),
        ("\x7f\x9b", SHOWN * 2),
        ("a\u202eb\u202c", f"a{SHOWN}b{SHOWN}"),
        ("\u2066x\u2069", f"{SHOWN}x{SHOWN}"),
        ("a\U000e0020\U000e007eb", f"a{SHOWN * 2}b"),
        ("🏴\U000e0075\U000e0073\U000e007f", f"🏴{SHOWN * 3}"),
        ("a\u200b\u200c\u200b\u200db", f"a{SHOWN * 4}b"),
        ("☺\ufe0f\ufe01\U000e0101", f"☺\ufe0f{SHOWN * 2}"),
        ("a\ufe01b", f"a{SHOWN}b"),
        ("a\U000e0150", f"a{SHOWN}"),
        ("\ufffe\U000e0fff", SHOWN * 2),
        ("\ud800", SHOWN),
        ("\u3164\u115f", SHOWN * 2),
    ],
)
def test_what_hides_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\u20dd", "\u0e49", "\u05b8", "\u1dc4"])
def test_piled_marks_are_contained(mark: str) -> None:
    assert visible("a" + mark * 100_000 + "b") == "a" + mark * MAX_MARKS + SHOWN * (100_000 - MAX_MARKS) + "b"


def test_a_run_of_replacements_is_shown_once() -> None:
    assert collapse(f"a{SHOWN * 500}b{SHOWN}c") == f"a{SHOWN}b{SHOWN}c"

"""What a person typed becomes storable text, by one rule for both databases (promises W20 to W22)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.actions.errors import Invalid
from conversations.actions.messages import provisional_title
from conversations.actions.text import clean_prompt, clean_title, storable


@given(st.text(st.characters()))
def test_whatever_comes_can_be_encoded_and_holds_no_nul(text: str) -> None:
    kept = storable(text)
    kept.encode()
    assert "\x00" not in kept
    assert "\r" not in kept
    assert storable(kept) == kept


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")))
def test_ordinary_text_is_kept_as_it_is(text: str) -> None:
    assert storable(text) == text


def test_halves_of_a_surrogate_pair_that_meet_are_one_character() -> None:
    assert storable("a\ud83d\ude00b") == "a😀b"
    assert storable("a\ud83db") == "a\ufffdb"


NOTHING = ["", " ", "\n\t", "\u200b", "\u2066\u2069", "\u00ad", "\ufeff", "\x00\x00", "\u2028", "\U000e0041"]
NOTHING += [
    "\ufe0f",
    "\u034f",
    "\u115f",
    "\u1160",
    "\u17b4",
    "\u180b",
    "\u2800",
    "\u3164 \u3000",
    "\uffa0",
    "\U000e0100",
]


@pytest.mark.parametrize("text", NOTHING)
def test_a_prompt_that_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        clean_prompt(text)


SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    "text", ["x", "\u200bx", "👩‍👩‍👧", "❤️", SCOTLAND, "שלום", "\u2067א\u2069", "\u0301", "\x1b[0m", "."]
)
def test_a_prompt_that_shows_something_is_kept_whole(text: str) -> None:
    assert clean_prompt(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Buy\U000e0062\U000e0075\U000e0079 it\U000e0021", "Buy\ufffd it\ufffd"),
        (f"{SCOTLAND}\U000e0041", f"{SCOTLAND}\ufffd"),
        ("❤\ufe0f\ufe01\U000e0101\ufe02!", "❤\ufe0f\ufffd!"),
        ("a\U000e0150b", "a\ufffdb"),
    ],
)
def test_what_is_hidden_in_a_prompt_is_shown_as_present(text: str, kept: str) -> None:
    assert clean_prompt(text) == kept


@pytest.mark.parametrize("text", NOTHING)
def test_a_title_that_shows_nothing_is_none(text: str) -> None:
    assert clean_title(text) == ""


@given(st.text(st.characters(), max_size=500))
def test_a_title_is_one_line_of_at_most_200_characters(text: str) -> None:
    title = clean_title(text)
    assert len(title) <= 200
    assert len(title.splitlines()) <= 1


def test_what_one_reads_as_one_title_is_stored_alike() -> None:
    """A Mac gives the names of its files, and what is copied from them, in pieces: nobody's keyboard does."""
    assert clean_title("Re\u0301sume\u0301 \u1112\u1161\u11ab") == "Résumé 한"


def test_the_first_words_are_found_below_empty_lines() -> None:
    assert provisional_title("\n" * 500 + "Hello") == "Hello"

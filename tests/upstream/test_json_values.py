"""JSON that is hostile or merely odd."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.upstream.json_values import (
    UnreadableJSON,
    read_json,
    split_high_surrogate,
    storable,
    storable_text,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_whatever_python_can_write_is_read_into_something_storable(value: Any) -> None:
    result = read_json(json.dumps(value).encode())
    text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    text.encode()
    assert "\0" not in text and "\\u0000" not in text


@given(st.text(st.characters(), max_size=20))
def test_repaired_text_is_utf8_without_nul_and_good_text_stays(text: str) -> None:
    repaired = storable_text(text)
    repaired.encode()
    assert "\0" not in repaired
    if text.isprintable() and "\ufffd" not in text:
        assert repaired == text


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[1] x", b"\xff", b'{"\xff": 1}', b"[" * 100_000, b"1" * 5000, b"'x'"]
)
def test_what_is_no_json_says_so(raw: bytes) -> None:
    with pytest.raises(UnreadableJSON):
        read_json(raw)


def test_depth_is_limited_at_the_limit() -> None:
    assert read_json(b"[" * 101 + b"]" * 101)
    with pytest.raises(UnreadableJSON):
        read_json(b"[" * 102 + b"]" * 102)


def test_duplicate_keys_and_large_integers_are_no_reason_to_fail() -> None:
    assert read_json(b'{"a":1,"a":2}') == {"a": 2}
    assert read_json(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_halves_of_a_pair() -> None:
    assert split_high_surrogate("a\ud83d") == ("a", "\ud83d")
    assert split_high_surrogate("a\ude00") == ("a\ude00", "")
    assert split_high_surrogate("") == ("", "")
    assert storable({"\ud83d\ude00": ["\ud83d"]}) == {"😀": ["\ufffd"]}

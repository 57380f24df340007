"""JSON from an upstream, read so that nothing in it can crash us or be refused by a database; used by every decoder."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

MAX_DEPTH = 100
_BOM = b"\xef\xbb\xbf"
_FIRST_HALVES = ("\ud800", "\udbff")


class UnreadableJSON(ValueError):
    """Not JSON, not UTF-8, or nested too deeply."""


def read_json(data: bytes) -> Any:
    """The value in `data`, made storable; some servers begin it with a byte order mark. Raises UnreadableJSON.

    The fast reader refuses lone surrogates, NaN and 1e999; the standard library reads them, and `storable`
    replaces them.
    """
    return storable(read_raw_json(data.removeprefix(_BOM)))


def read_raw_json(data: bytes) -> Any:
    """As `read_json`, but surrogates and NULs are still inside, for the caller who joins halves over two deltas."""
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UnreadableJSON(type(error).__name__) from None


def is_whole(data: bytes) -> bool:
    """Whether `data` is complete JSON: what was cut off may end in a brace, too."""
    try:
        read_raw_json(data)
    except UnreadableJSON:
        return False
    return True


def storable(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON value without NUL, lone surrogates, NaN and infinities. Raises UnreadableJSON beyond
    MAX_DEPTH levels.
    """
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > MAX_DEPTH:
        raise UnreadableJSON("nested too deeply")
    if isinstance(value, dict):
        return {storable_text(key): storable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, depth + 1) for item in value]
    return value


def storable_text(text: str) -> str:
    """The text with U+FFFD for NUL and for lone surrogates, which databases refuse; halves that stand
    together are joined.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def text_in(value: dict[str, Any], name: str, length: int = 200) -> str:
    """The text in this field, at most so long; "" where there is none, or something else."""
    text = value.get(name)
    return text[:length] if isinstance(text, str) else ""


def split_high_surrogate(text: str) -> tuple[str, str]:
    """The text and, apart from it, a first half of a surrogate pair at its end ("" if there is none)."""
    if text and _FIRST_HALVES[0] <= text[-1] <= _FIRST_HALVES[1]:
        return text[:-1], text[-1]
    return text, ""

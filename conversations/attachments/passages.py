"""A quoted passage of a text in its surroundings, from our own copy. Used by `views.passages`."""

from __future__ import annotations

from dataclasses import dataclass

from ..rendering.characters import visible

AROUND = 400
"""Characters shown before and after the passage."""
LONGEST = 4000
"""Characters shown of the passage itself."""


@dataclass(frozen=True, slots=True)
class Passage:
    before: str
    quoted: str
    after: str


def passage(text: str, start: int, end: int, quote: str) -> Passage | None:
    """The characters from `start` to before `end`, made visible as `quote` is.

    None when they are not what was quoted, but for white space; an empty quotation fits everywhere.
    """
    found = visible(text[start:end])
    if end > len(text) or (quote and found.split() != quote.split()):
        return None
    before = visible(text[max(0, start - AROUND) : start])
    if start > AROUND:
        before = f"… {before}"
    if len(found) > LONGEST:
        return Passage(before, f"{found[:LONGEST]} …", "")
    after = visible(text[end : end + AROUND])
    return Passage(before, found, f"{after} …" if end + AROUND < len(text) else after)

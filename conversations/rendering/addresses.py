"""Which hosts a reader would find in a text: read as the eye sees it, not as it is stored. Used by `links`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from .characters import without_unseen

# What looks like a mark of an address, as far as compatibility forms (NFKD) do not name it already.
_LOOKS_LIKE = str.maketrans(
    dict.fromkeys("。٠۰۔܁܂꘎ꓸ𐩐𝅭·‧⋅∙・᛫", ".")
    | dict.fromkeys("∕⁄╱⟋⧸⁁᜵〳㇓丿⼃", "/")
    | dict.fromkeys("⧵∖﹨╲⟍⧹⼂㇔丶", "\\")
    # Spaces too narrow to part two words.
    | dict.fromkeys("\u2006\u2008\u2009\u200a\u202f\u205f")
)

# An authority after two slashes, or anything like a name; what follows a host up to white space is its path.
_PLACE = re.compile(r"[/\\]{2,}(?P<authority>[^/\\?#\s<>\"“”«»‹›()\[\]、]*)|(?P<name>[\w.-]+(?::\d+)?)")
_PATH = re.compile(r"(?:[/\\?#]\S*)?")
_TOP_LEVEL = re.compile(r"xn--|[^\W\d_]{2}")
_FOUR_NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def as_seen(text: str) -> str:
    """Return `text` as it looks: compatibility forms plain, invisible characters and accents away, lower case."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", without_unseen(text.translate(_LOOKS_LIKE))).translate(_LOOKS_LIKE)
    return "".join(
        character for character in text if unicodedata.category(character) not in ("Mn", "Me", "Cf")
    ).casefold()


def claimed_hosts(seen: str) -> Iterator[tuple[str, int, int]]:
    """Yield each host (with port) that a reader could find in `seen`, and where its address begins and ends."""
    place = 0
    while match := _PLACE.search(seen, place):
        place = match.end()
        name = (match["name"] or match["authority"] or "").strip(".-_:;,!'’*")
        if match["name"] is None or _reads_as_host(name):
            ends = _PATH.match(seen, place)
            place = ends.end() if ends else place
            yield name, match.start(), place


def _reads_as_host(name: str) -> bool:
    labels = name.partition(":")[0].split(".")
    if len(labels) > 1 and "" not in labels[-2:] and _TOP_LEVEL.match(labels[-1]):
        return True
    return _FOUR_NUMBERS.fullmatch(name.partition(":")[0]) is not None

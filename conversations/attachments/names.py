"""A file's name as a label: never a path, never a part of a header or a page (promises U16 to U18)."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

CHARACTERS = 255
# They make a name read backwards (gpj.exe), or carry text that nobody sees.
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_TAGS = range(0xE0000, 0xE0080)
_HIDDEN = frozenset(map(chr, (*_BIDI, *_TAGS, 0xFEFF)))


def label(name: str) -> str:
    """The last part of a given name, on one line, of at most 255 characters; never empty."""
    name = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = (" " if unicodedata.category(c) in ("Zl", "Zp", "Cc") else c for c in name if c not in _HIDDEN)
    name = " ".join("".join(kept).split())
    if len(name) > CHARACTERS:
        suffix = PurePosixPath(name).suffix[:20]
        name = name[: CHARACTERS - len(suffix)] + suffix
    return name if name.strip(". ") else "file"

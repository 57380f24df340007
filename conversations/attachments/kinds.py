"""What a file is, decided by its first bytes alone; a name may only contradict. Used by the upload, before the child.

Formats are named one by one: a decoder that is not in this list is never asked (promises M11, U04).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from .refusal import FileRefused

HEAD_BYTES = 4096
"""How much of a file `recognise` needs to see."""

JPEG, PNG, GIF, WEBP = "image/jpeg", "image/png", "image/gif", "image/webp"
PDF, TEXT = "application/pdf", "text/plain"
PICTURES = frozenset({JPEG, PNG, GIF, WEBP})
_TEXTS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
}
_PICTURE_NAMES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif",
    ".tiff", ".ico", ".psd", ".eps", ".jp2", ".svg", ".svgz",
)  # fmt: skip
_ACCEPTED = "Pictures can be JPEG, PNG, GIF or WebP; documents can be PDF or text."
_SAVE_AS_JPEG = "Save it as JPEG or PNG and attach that."
_SAVE_AS_PDF = "Save it as PDF and attach that."
_UNPACK = "Unpack it and attach the files one by one."
# Prefix, what it is called, what to do.
_FOREIGN_TEXTS = (
    (b"SIMPLE  =", "a FITS picture", _SAVE_AS_JPEG),
    (b"%!PS", "a PostScript file", _SAVE_AS_PDF),
    (b"{\\rtf", "a rich text file", _SAVE_AS_PDF),
)
_FOREIGN = (
    (b"II*\0", "a TIFF picture", _SAVE_AS_JPEG),
    (b"MM\0*", "a TIFF picture", _SAVE_AS_JPEG),
    (b"II+\0", "a TIFF picture", _SAVE_AS_JPEG),
    (b"MM\0+", "a TIFF picture", _SAVE_AS_JPEG),
    (b"8BPS", "a Photoshop picture", _SAVE_AS_JPEG),
    (b"\0\0\1\0", "an icon", _SAVE_AS_JPEG),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", _SAVE_AS_JPEG),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _SAVE_AS_JPEG),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", _SAVE_AS_JPEG),
    (b"\xff\x0a", "a JPEG XL picture", _SAVE_AS_JPEG),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file", _SAVE_AS_PDF),
    (b"\xd0\xcf\x11\xe0", "an older Office file", _SAVE_AS_PDF),
    (b"PK\x03\x04", "an archive or an Office file", "Save an Office file as PDF; unpack an archive."),
    (b"PK\x05\x06", "an archive", _UNPACK),
    (b"\x1f\x8b", "a compressed file", _UNPACK),
    (b"7z\xbc\xaf", "an archive", _UNPACK),
    (b"Rar!", "an archive", _UNPACK),
    (b"BZh", "a compressed file", _UNPACK),
    (b"\xfd7zXZ", "a compressed file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a compressed file", _UNPACK),
    (b"\x7fELF", "a program", _ACCEPTED),
    (b"MZ", "a program", _ACCEPTED),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
# As the first element, behind a prolog: a page with a drawing in it is source code. Nothing is tried twice, so that
# hostile prologs take no time.
_SVG = re.compile(
    rb"(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>)*+<(?:\w+:)?svg[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(r"[\0-\x08\x0b\x0e-\x1f\x7f]")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def recognise(head: bytes, name: str) -> str:
    """The media type of a file that begins with `head` (at most HEAD_BYTES are looked at).

    Text is told from other bytes later, when all of it is read. Raises FileRefused for what cannot be sent, and
    when the name promises another kind of file.
    """
    head = head[:HEAD_BYTES]
    if not head:
        raise FileRefused("invalid", "This file is empty.")
    found = _by_magic(head)
    suffix = PurePosixPath(name.lower()).suffix
    if suffix in _PICTURE_NAMES and found not in PICTURES:
        raise FileRefused(
            "invalid", f"This is not a readable picture, although its name ends in {suffix}. {_ACCEPTED}"
        )
    if suffix == ".pdf" and found != PDF:
        raise FileRefused("invalid", "This is not a readable PDF, although its name ends in .pdf.")
    return _TEXTS.get(suffix, TEXT) if found == TEXT else found


def is_text(media_type: str) -> bool:
    """Whether `recognise` took it for text."""
    return media_type not in PICTURES and media_type != PDF


def _by_magic(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.lstrip().startswith(b"%PDF-"):
        return PDF
    _refuse_foreign(head)
    return TEXT


def _refuse_foreign(head: bytes) -> None:
    """Formats that people try, each with its way out. Raises FileRefused."""
    # A list of countries may begin with MZ, as programs do.
    if not _reads_as_text(head):
        _refuse_binary(head)
    _refuse_by_prefix(head, _FOREIGN_TEXTS)
    plain = head
    for mark in _BOMS:
        plain = plain.removeprefix(mark)
    plain = plain.replace(b"\0", b"")  # UTF-16
    if _SVG.match(plain):
        raise FileRefused("unsupported", f"This is an SVG drawing. It cannot be read here. {_SAVE_AS_JPEG}")


def _reads_as_text(head: bytes) -> bool:
    """Whether these bytes are whole words in UTF-8, but for a character that their end cuts."""
    try:
        return not _CONTROL.search(codecs.getincrementaldecoder("utf-8")().decode(head))
    except UnicodeDecodeError:
        return False


def _refuse_binary(head: bytes) -> None:
    if head[4:8] == b"ftyp":
        if head[8:12] in _HEIF_BRANDS:
            raise FileRefused(
                "unsupported",
                "This is a HEIC picture. It cannot be read here. Save it as JPEG and attach that; on an iPhone, "
                "Settings, Camera, Formats, Most Compatible makes JPEG from now on.",
            )
        if head[8:12] in (b"avif", b"avis"):
            raise FileRefused(
                "unsupported", f"This is an AVIF picture. It cannot be read here. {_SAVE_AS_JPEG}"
            )
        raise FileRefused("unsupported", f"Video and audio cannot be read here. {_ACCEPTED}")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        raise FileRefused("unsupported", f"This is a BMP picture. It cannot be read here. {_SAVE_AS_JPEG}")
    _refuse_by_prefix(head, _FOREIGN)
    if head[257:262] == b"ustar":
        raise FileRefused("unsupported", f"This is an archive. It cannot be read here. {_UNPACK}")


def _refuse_by_prefix(head: bytes, foreign: Iterable[tuple[bytes, str, str]]) -> None:
    for prefix, what, advice in foreign:
        if head.startswith(prefix):
            raise FileRefused("unsupported", f"This is {what}. It cannot be read here. {advice}")

"""PDFs and texts: counted and read through once, never shown or changed. Runs in the child."""

from __future__ import annotations

import codecs
import io
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from .kinds import PDF
from .limits import Limits
from .refusal import FileRefused
from .tokens import pdf_tokens, text_tokens

_PIECE = 1 << 20
_DAMAGED = "This PDF cannot be read: it is damaged or not complete."


def check_pdf(source: BinaryIO, limits: Limits) -> dict[str, Any]:
    """Pages of a PDF whose contents unpack within limits; the file itself is kept as it is. Raises FileRefused."""
    import logging

    from pypdf import PdfReader
    from pypdf.errors import LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        reader = PdfReader(io.BytesIO(source.read()))
        if reader.is_encrypted:
            raise FileRefused(
                "invalid", "This PDF is protected by a password. Remove the protection and attach it again."
            )
        pages = _count(reader, limits)
        _unpack(reader, limits)
    except FileRefused:
        raise
    except LimitReachedError:
        raise FileRefused("too_large", "This PDF unpacks to more than this site takes.") from None
    except MemoryError:
        raise
    except Exception:  # pypdf's own errors, and what hostile structures provoke beside them
        raise FileRefused("invalid", _DAMAGED) from None
    return {
        "media_type": PDF,
        "width": None,
        "height": None,
        "pages": pages,
        "tokens": pdf_tokens(pages),
        "files": {},
    }


def _count(reader: Any, limits: Limits) -> int:
    told = reader.root_object["/Pages"].get_object().get("/Count")
    # Told before they are looked for: a tree of a million pages would take all the time there is.
    pages = int(told) if isinstance(told, int) and told > limits.pdf_pages else len(reader.pages)
    if pages > limits.pdf_pages:
        raise FileRefused(
            "too_large",
            f"This PDF has {pages:,} pages; the limit is {limits.pdf_pages}. Attach a part of it.",
        )
    if pages < 1:
        raise FileRefused("invalid", "This PDF has no pages.")
    return pages


def _unpack(reader: Any, limits: Limits) -> None:
    """Reads every page once, so that a bomb goes off here. Raises LimitReachedError (of pypdf) or FileRefused."""
    from pypdf.errors import LimitReachedError

    left = limits.pdf_unpacked
    for page in reader.pages:
        try:
            contents = page.get("/Contents")
            contents = contents.get_object() if contents is not None else None
            streams = contents if isinstance(contents, list) else [contents]
            for stream in streams:
                found: Any = stream.get_object() if stream is not None else None
                left -= len(found.get_data()) if hasattr(found, "get_data") else 0
        except (LimitReachedError, MemoryError):
            raise
        except Exception:  # noqa: S112 - an odd page is the reader's affair, as long as it unpacks to nothing huge
            continue
        if left < 0:
            raise FileRefused("too_large", "This PDF unpacks to more than this site takes.")


def freeze_text(source: BinaryIO, media_type: str, folder: Path) -> dict[str, Any]:
    """Writes the text as UTF-8 into the file `original`. Raises FileRefused for what is no text."""
    encoding = _encoding(source)
    decoder = codecs.getincrementaldecoder(encoding)()
    size = 0
    with (folder / "original").open("wb") as target:
        while True:
            piece = source.read(_PIECE)
            try:
                data = decoder.decode(piece, final=not piece).encode()
            except UnicodeError:
                raise FileRefused("invalid", _not_text(encoding)) from None
            if b"\0" in data:
                raise FileRefused(
                    "unsupported",
                    "This file cannot be read here. "
                    "Pictures can be JPEG, PNG, GIF or WebP; documents can be PDF or text.",
                )
            size += len(data)
            target.write(data)
            if not piece:
                break
    if not size:
        raise FileRefused("invalid", "This file is empty.")
    original = {"name": "original", "media_type": "text/plain", "width": None, "height": None}
    return {
        "media_type": media_type,
        "width": None,
        "height": None,
        "pages": None,
        "tokens": text_tokens(size),
        "files": {"original": original},
    }


def _encoding(source: BinaryIO) -> str:
    """UTF-8, or what a byte order mark says; the mark is left out."""
    head = source.read(4)
    source.seek(0)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _not_text(encoding: str) -> str:
    if encoding == "utf-8-sig":
        return (
            "This is neither a picture nor a PDF nor text in UTF-8. "
            "If it is text, save it with the encoding UTF-8 and attach it again."
        )
    return "This text is damaged: its encoding is not what its first bytes say."

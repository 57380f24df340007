"""A picture is checked from its header, decoded once, and written anew without anything but pixels. Runs in the child.

What is written never changes afterwards: it is what the page shows and what the model sees.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

from .decoding import opened
from .encoding import as_it_came, for_request, thumbnail
from .limits import Limits
from .tokens import picture_tokens


def freeze(source: BinaryIO, media_type: str, limits: Limits, folder: Path) -> dict[str, Any]:
    """Writes the files `original` (all pixels), `sent` (fit for a request) and `thumbnail` into the folder.

    Returns what `child` answers. Raises FileRefused.
    """
    picture = opened(source, media_type, limits)
    width, height = picture.pixels.size
    original, written_as = as_it_came(picture)
    files = {"original": _write(folder, "original", original, written_as, (width, height))}
    sent = for_request(picture, original, limits.sent_side, limits)
    if sent is None:
        files["sent"] = files["original"]
        smaller = picture.pixels
    else:
        data, sent_as, smaller = sent
        files["sent"] = _write(folder, "sent", data, sent_as, smaller.size)
    small, small_as, pixels = thumbnail(smaller, limits.thumbnail_side)
    files["thumbnail"] = _write(folder, "thumbnail", small, small_as, pixels.size)
    return {
        "media_type": written_as,
        "width": width,
        "height": height,
        "pages": None,
        "tokens": picture_tokens(width, height),
        "files": files,
    }


def freeze_variant(source: BinaryIO, media_type: str, limits: Limits, folder: Path) -> dict[str, Any]:
    """Writes `sent` with the long edge of `limits.sent_side` from a file that `freeze` has written before.

    `files` is empty when that file itself fits.
    """
    data = source.read()
    picture = opened(io.BytesIO(data), media_type, limits)
    sent = for_request(picture, data, limits.sent_side, limits)
    return {"files": {} if sent is None else {"sent": _write(folder, "sent", sent[0], sent[1], sent[2].size)}}


def _write(folder: Path, name: str, data: bytes, media_type: str, size: tuple[int, int]) -> dict[str, Any]:
    (folder / name).write_bytes(data)
    return {"name": name, "media_type": media_type, "width": size[0], "height": size[1]}

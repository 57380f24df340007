"""The one encoder: a decoded picture as it is kept, as requests carry it, and as a thumbnail. Used by `pictures`."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from .decoding import FORMATS, Picture
from .kinds import JPEG, PNG, WEBP
from .limits import Limits, base64_size
from .tokens import fitted

_QUALITIES = (90, 80, 65)


def as_it_came(picture: Picture) -> tuple[bytes, str]:
    """All pixels in the picture's own format, or, where its encoder gives up, in one that takes everything."""
    try:
        return _encoded(picture.pixels, picture.media_type, **picture.options), picture.media_type
    except (OSError, ValueError, MemoryError):
        if picture.lossless or _has_alpha(picture.pixels):
            return _encoded(picture.pixels, PNG), PNG
        return _encoded(picture.pixels.convert("RGB"), JPEG, quality=92), JPEG


def for_request(
    picture: Picture, original: bytes, side: int, limits: Limits
) -> tuple[bytes, str, Image.Image] | None:
    """The picture fitted to a long edge of `side` and to the bytes that a request takes; None when it fits as it is."""
    size = fitted(*picture.pixels.size, side)
    if size == picture.pixels.size and base64_size(len(original)) <= limits.sent_base64:
        return None
    pixels = _simple(picture.pixels)
    if size != pixels.size:
        pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if picture.lossless or _has_alpha(pixels):
        data = _encoded(pixels, PNG)
        if base64_size(len(data)) <= limits.sent_base64:
            return data, PNG, pixels
    pixels = _flat(pixels)
    while True:
        for quality in _QUALITIES:
            data = _encoded(pixels, JPEG, quality=quality)
            if base64_size(len(data)) <= limits.sent_base64 or max(pixels.size) <= 64:
                return data, JPEG, pixels
        pixels = pixels.resize(fitted(*pixels.size, max(pixels.size) * 3 // 4), Image.Resampling.LANCZOS)


def thumbnail(pixels: Image.Image, side: int) -> tuple[bytes, str, Image.Image]:
    """A small WebP with a long edge of at most `side` pixels."""
    small = _simple(pixels)
    size = fitted(*small.size, side)
    if size != small.size:
        small = small.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _encoded(small, WEBP, quality=78, method=2), WEBP, small


def _simple(pixels: Image.Image) -> Image.Image:
    """In a mode that can be resized and that every encoder takes: L, RGB or RGBA."""
    if pixels.mode.startswith("I") or pixels.mode == "F":
        # 16 bits of grey to the 8 that are shown.
        return pixels.convert("I").point(lambda value: value / 256).convert("L")
    if _has_alpha(pixels):
        return pixels if pixels.mode == "RGBA" else pixels.convert("RGBA")
    return pixels if pixels.mode in ("L", "RGB") else pixels.convert("RGB")


def _flat(pixels: Image.Image) -> Image.Image:
    """On white, since JPEG knows no transparency."""
    if pixels.mode != "RGBA":
        return pixels
    white = Image.new("RGB", pixels.size, "white")
    white.paste(pixels, mask=pixels.getchannel("A"))
    return white


def _has_alpha(pixels: Image.Image) -> bool:
    return pixels.has_transparency_data


def _encoded(pixels: Image.Image, media_type: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pixels.save(buffer, FORMATS[media_type], **options)
    return buffer.getvalue()

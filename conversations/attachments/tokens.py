"""What a file will cost in input tokens, roughly (messages-api sections 11 and 15.1). For the composer and limits."""

from __future__ import annotations

from math import ceil

_PATCH = 28
_STANDARD = (1568, 1568)
_HIGH_RESOLUTION = (2576, 4784)
_BYTES_PER_TOKEN = 3.5
_PER_PAGE = 2250
"""Text and picture of an ordinary PDF page."""


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size after shrinking the long edge to `side` pixels; never larger, never below 1."""
    longest = max(width, height)
    if longest <= side:
        return width, height
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


def picture_tokens(width: int, height: int, *, high_resolution: bool = False) -> int:
    """Tokens of a picture: 28-pixel patches after the service has shrunk it to its limits.

    1920×1080 is 1560, or 2691 for models of the high-resolution tier.
    """
    side, most = _HIGH_RESOLUTION if high_resolution else _STANDARD
    scale = min(1.0, side / max(width, height))
    if _patches(width, height, scale) <= most:
        return _patches(width, height, scale)
    low, high = 0.0, scale
    for _ in range(40):
        middle = (low + high) / 2
        if _patches(width, height, middle) <= most:
            low = middle
        else:
            high = middle
    return _patches(width, height, low)


def text_tokens(size: int) -> int:
    """Tokens of a text of `size` UTF-8 bytes: letters of two or three bytes weigh more, as they do in truth."""
    return ceil(size / _BYTES_PER_TOKEN)


def pdf_tokens(pages: int) -> int:
    return pages * _PER_PAGE


def _patches(width: int, height: int, scale: float) -> int:
    # Rounded first: 1568.0000001 / 28 must not count as one patch more.
    return max(1, ceil(round(width * scale, 6) / _PATCH)) * max(1, ceil(round(height * scale, 6) / _PATCH))

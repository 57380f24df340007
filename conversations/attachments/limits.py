"""The bounds of one file, handed to the child with its job. The server fills it from the settings."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Pixels, bytes, seconds (promises section 4). `sent_base64` bounds a picture as it stands in a request."""

    max_pixels: int = 25_000_000
    max_side: int = 8000
    max_frames: int = 200
    sent_side: int = 1568
    sent_base64: int = 5_000_000
    thumbnail_side: int = 480
    pdf_pages: int = 100
    pdf_unpacked: int = 100 * 1024 * 1024
    memory: int = 512 * 1024 * 1024
    cpu_seconds: int = 10


def base64_size(size: int) -> int:
    """Characters that `size` bytes become."""
    return (size + 2) // 3 * 4

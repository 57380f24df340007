"""Real properties of a received picture, for the demo's answer: format, size, most common colour."""

from __future__ import annotations

import base64
import binascii
import io
import threading

from PIL import Image

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_MAX_PIXELS = 25_000_000
_SAMPLED = (256, 256)
# A decoded picture takes 100 MB: never several at once.
_one_at_a_time = threading.Lock()
_COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 30, 30),
    "dark red": (120, 10, 10),
    "orange": (255, 150, 20),
    "brown": (120, 75, 40),
    "yellow": (250, 230, 40),
    "beige": (235, 220, 185),
    "green": (40, 160, 60),
    "dark green": (10, 80, 30),
    "turquoise": (50, 190, 190),
    "light blue": (150, 200, 240),
    "blue": (30, 80, 220),
    "dark blue": (10, 20, 100),
    "purple": (120, 40, 170),
    "pink": (250, 150, 190),
}


def describe(data: str) -> str:
    """One sentence about a base64 picture, such as "a PNG picture, 640 × 480 pixels, mostly blue"; also for
    bytes that are none.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True)), formats=_FORMATS) as picture:
            width, height = picture.size
            kind = f"a {picture.format} picture, {width} × {height} pixels"
            if width * height > _MAX_PIXELS:
                return f"{kind}, too large to look into"
            with _one_at_a_time:
                return f"{kind}, mostly {_main_colour(picture)}"
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "a picture that cannot be read"


def _main_colour(picture: Image.Image) -> str:
    picture.draft("RGB", _SAMPLED)
    # Picked out first: converting all of it would take as much memory again.
    some = picture.resize(_SAMPLED, Image.Resampling.NEAREST) if min(picture.size) > 256 else picture
    opaque = Image.new("RGBA", (32, 32), "white")
    small = some.convert("RGBA").resize((32, 32), Image.Resampling.BOX)
    opaque.alpha_composite(small)
    palette = opaque.convert("RGB").quantize(8)
    _, most_common = max(palette.getcolors() or [(1, 0)])
    colours = palette.getpalette() or [0, 0, 0]
    assert isinstance(most_common, int)
    red, green, blue = colours[most_common * 3 : most_common * 3 + 3]
    return min(_COLOURS, key=lambda name: _distance(_COLOURS[name], (red, green, blue)))


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))

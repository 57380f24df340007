"""A picture's header is checked, then its first frame decoded, upright, in sRGB and without metadata. Used by
`pictures`.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO, NamedTuple

from PIL import (
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from .kinds import GIF, JPEG, PNG, WEBP
from .limits import Limits
from .refusal import FileRefused, beyond

FORMATS = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP"}
# Named here so that they are loaded before the process is confined.
PLUGINS = (JpegImagePlugin, PngImagePlugin, GifImagePlugin, WebPImagePlugin)
LARGEST_PROFILE = 4 * 1024 * 1024
"""Bytes of a colour profile; those of printing presses come to half of it."""
_ROUNDING = 2
"""Of 255: two descriptions of sRGB differ by no more."""
# Modes whose profiles are applied → what they are afterwards.
_IN_SRGB = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}
_SMALL = 4_000_000
"""Pixels up to which WebP may take its time."""


class Picture(NamedTuple):
    """Decoded, upright, in sRGB, without metadata. `options` write it back in its own format as it came."""

    pixels: Image.Image
    media_type: str
    lossless: bool
    options: dict[str, Any]


def opened(source: BinaryIO, media_type: str, limits: Limits) -> Picture:
    """The first frame, decoded after everything that a header can tell was checked. Raises FileRefused."""
    # Pillow's own guard knows no sentence; ours asks the header, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    if media_type == WEBP:
        # Opening one takes memory for all its pixels.
        _check_size(*_webp_size(source), limits)
    with Image.open(source, formats=[FORMATS[media_type]]) as image:
        _check_size(*image.size, limits)
        _check_frames(image, limits)
        options, lossless = _own_way(image, media_type)
        image.seek(0)
        image.load()
        try:
            ImageOps.exif_transpose(image, in_place=True)
        except Exception:  # hostile metadata: the pixels are good, and the metadata goes anyway
            image.getexif().clear()
        pixels = _in_srgb(image)
        # Everything that a writer would take over by itself: comments, profiles, EXIF, XMP.
        pixels.info = {key: value for key, value in pixels.info.items() if key == "transparency"}
        if media_type == JPEG and pixels.mode not in ("L", "RGB"):
            pixels = pixels.convert("RGB")
        if pixels is not image:
            options = {"quality": 92}
        return Picture(pixels, media_type, lossless, options)


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture in the colours that its embedded profile means, which is lost afterwards; changed in place where its
    mode stays. As it is where there is no use in the profile, or none for it: in a palette and in greys.
    """
    profile, mode = image.info.get("icc_profile"), _IN_SRGB.get(image.mode)
    # A single transparent colour would no longer be found.
    if not profile or len(profile) > LARGEST_PROFILE or mode is None or "transparency" in image.info:
        return image
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), image.mode, mode)
        if mode != image.mode:
            return transform.apply(image)
        probe = _probe(mode)
        seen = zip(probe.tobytes(), transform.apply(probe).tobytes(), strict=True)
        # Most profiles are sRGB: its pixels stay exactly as they came.
        if any(abs(one - other) > _ROUNDING for one, other in seen):
            transform.apply_in_place(image)
    except Exception:  # hostile or foreign profiles: the pixels are good
        return image
    return image


def _probe(mode: str) -> Image.Image:
    """4096 colours from all over."""
    levels = range(0, 256, 17)
    cube = bytes(level for r in levels for g in levels for b in levels for level in (r, g, b))
    return Image.frombytes("RGB", (64, 64), cube).convert(mode)


def _webp_size(source: BinaryIO) -> tuple[int, int]:
    """Width and height as the first chunk of a WebP file tells them; 1, 1 when it does not."""
    head = source.read(30)
    source.seek(0)
    kind = head[12:16]
    if len(head) < 30 or kind not in (b"VP8X", b"VP8L", b"VP8 "):
        return 1, 1
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    bits = int.from_bytes(head[26:30], "little")
    return bits & 0x3FFF, bits >> 16 & 0x3FFF


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise FileRefused("invalid", "This picture is empty.")
    if max(width, height) > limits.max_side:
        raise FileRefused(
            "too_large",
            f"This picture is {width:,} × {height:,} pixels; no side may be longer than {limits.max_side:,}.",
        )
    if width * height > limits.max_pixels:
        size = f"{width * height / 1e6:.1f}".removesuffix(".0")
        limit = f"{limits.max_pixels / 1e6:g}"
        raise FileRefused(
            "too_large",
            f"This picture has {beyond(size, limit)} megapixels; the limit is {limit}. "
            "Make it smaller and attach it again.",
        )


def _check_frames(image: Image.Image, limits: Limits) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > limits.max_frames:
        raise FileRefused(
            "too_large", f"This animation has {frames:,} frames; the limit is {limits.max_frames}."
        )


def _own_way(image: Image.Image, media_type: str) -> tuple[dict[str, Any], bool]:
    """How to write the format so that nothing changes, and whether it loses nothing at all."""
    if media_type == JPEG:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        sampling = JpegImagePlugin.get_sampling(image)
        # With its own tables a JPEG hardly changes, and grows as little.
        return {
            "qtables": image.quantization,
            "subsampling": sampling if sampling >= 0 else 0,
            "progressive": bool(image.info.get("progressive")),
        }, False
    if media_type == WEBP:
        lossless = _is_lossless_webp(image)
        effort = 4 if image.width * image.height <= _SMALL else 0
        if lossless:
            return {"lossless": True, "exact": True, "quality": 15 * effort, "method": effort}, True
        return {"quality": 92, "method": effort}, False
    return {}, True


def _is_lossless_webp(image: Any) -> bool:
    source: BinaryIO = image.fp
    place = source.tell()
    source.seek(0)
    head = source.read(4096)
    source.seek(place)
    return b"VP8L" in head and b"VP8 " not in head[:64]

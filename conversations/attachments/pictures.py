"""A picture is checked from its header, decoded once, and written anew without anything but pixels. Runs in the child.

What is written never changes afterwards: it is what the page shows and what the model sees.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import GifImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from .kinds import GIF, JPEG, PNG, WEBP
from .limits import Limits, base64_size
from .refusal import FileRefused
from .tokens import fitted, picture_tokens

_FORMATS = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP"}
_PLUGINS = (
    JpegImagePlugin,
    PngImagePlugin,
    GifImagePlugin,
    WebPImagePlugin,
)  # loaded before the process is confined
_QUALITIES = (90, 80, 65)
_SMALL = 4_000_000
"""Pixels up to which WebP may take its time."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded, upright, without metadata. `options` write it back in its own format as it came."""

    pixels: Image.Image
    media_type: str
    lossless: bool
    options: dict[str, Any]


def freeze(source: BinaryIO, media_type: str, limits: Limits, folder: Path) -> dict[str, Any]:
    """Writes the files `original` (all pixels), `sent` (fit for a request) and `thumbnail` into the folder.

    Returns what `child` answers. Raises FileRefused.
    """
    picture = opened(source, media_type, limits)
    width, height = picture.pixels.size
    original, written_as = _original(picture)
    files = {"original": _write(folder, "original", original, written_as, (width, height))}
    sent = _to_send(picture, original, limits.sent_side, limits)
    if sent is None:
        files["sent"] = files["original"]
        smaller = picture.pixels
    else:
        data, sent_as, smaller = sent
        files["sent"] = _write(folder, "sent", data, sent_as, smaller.size)
    files["thumbnail"] = _thumbnail(smaller, limits.thumbnail_side, folder)
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
    sent = _to_send(picture, data, limits.sent_side, limits)
    return {"files": {} if sent is None else {"sent": _write(folder, "sent", sent[0], sent[1], sent[2].size)}}


def opened(source: BinaryIO, media_type: str, limits: Limits) -> Picture:
    """The first frame, decoded after everything that a header can tell was checked. Raises FileRefused."""
    # Pillow's own guard knows no sentence; ours asks the header, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    if media_type == WEBP:
        # Opening one takes memory for all its pixels.
        _check_size(*_webp_size(source), limits)
    with Image.open(source, formats=[_FORMATS[media_type]]) as image:
        _check_size(*image.size, limits)
        _check_frames(image, limits)
        options, lossless = _own_way(image, media_type)
        image.seek(0)
        image.load()
        try:
            ImageOps.exif_transpose(image, in_place=True)
        except Exception:  # hostile metadata: the pixels are good, and the metadata goes anyway
            image.getexif().clear()
        # Everything that a writer would take over by itself: comments, profiles, EXIF, XMP.
        image.info = {key: value for key, value in image.info.items() if key == "transparency"}
        pixels = image.convert("RGB") if media_type == JPEG and image.mode not in ("L", "RGB") else image
        if pixels is not image:
            options = {"quality": 92}
        return Picture(pixels, media_type, lossless, options)


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
        raise FileRefused(
            "too_large",
            f"This picture has {width * height / 1e6:.1f} megapixels; "
            f"the limit is {limits.max_pixels / 1e6:g}. Make it smaller and attach it again.",
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


def _original(picture: Picture) -> tuple[bytes, str]:
    """All pixels in the picture's own format, or, where its encoder gives up, in one that takes everything."""
    try:
        return _encoded(picture.pixels, picture.media_type, **picture.options), picture.media_type
    except (OSError, ValueError, MemoryError):
        if picture.lossless or _has_alpha(picture.pixels):
            return _encoded(picture.pixels, PNG), PNG
        return _encoded(picture.pixels.convert("RGB"), JPEG, quality=92), JPEG


def _to_send(
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


def _thumbnail(pixels: Image.Image, side: int, folder: Path) -> dict[str, Any]:
    small = _simple(pixels)
    size = fitted(*small.size, side)
    if size != small.size:
        small = small.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _write(folder, "thumbnail", _encoded(small, WEBP, quality=78, method=2), WEBP, size)


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
    pixels.save(buffer, _FORMATS[media_type], **options)
    return buffer.getvalue()


def _write(folder: Path, name: str, data: bytes, media_type: str, size: tuple[int, int]) -> dict[str, Any]:
    (folder / name).write_bytes(data)
    return {"name": name, "media_type": media_type, "width": size[0], "height": size[1]}

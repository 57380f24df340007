"""Files that should not be taken, and some that should come out harmless, each under the name of its attack."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image, PngImagePlugin

from .given import encoded, picture, png

File = tuple[str, bytes]
SCRIPT = b"<script>alert(1)</script>"


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(
    width: int, height: int, *extra: bytes, depth: int = 8, colour: int = 2, rows: bytes = b"\0"
) -> bytes:
    """A PNG whose header says so, whatever its pixels are."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + pixels + chunk(b"IEND", b"")


@cache
def zeros(size: int, times: int = 1) -> bytes:
    """`size` zero bytes, deflated `times` times."""
    packer = zlib.compressobj(9)
    piece = bytes(1 << 20)
    data = b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return data


def gif_of_frames(count: int) -> bytes:
    frame = b"\x21\xf9\4\0\1\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * count + b";"


def jpeg_that_says(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_that_says(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animated_webp(frames: int) -> bytes:
    images = [Image.new("RGB", (2, 2), (n % 256, n // 256, 0)) for n in range(frames)]
    return encoded(images[0], "WEBP", save_all=True, append_images=images[1:], lossless=True)


def with_exif(format: str = "JPEG", orientation: int = 1) -> bytes:
    """A picture that tells where it was taken, with a script in its comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SCRIPT.decode()
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    options: dict[str, Any] = {"exif": exif}
    if format == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", SCRIPT.decode() * 20, zip=True)
        options["pnginfo"] = info
    if format == "JPEG":
        options |= {"comment": SCRIPT, "quality": 95}
    return encoded(picture(60, 40), format, **options)


def pdf(objects: dict[int, bytes], *, trailer: bytes = b"/Root 1 0 R", prev: int | None = None) -> bytes:
    """A PDF of these objects with a right cross-reference table."""
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (max(objects) + 1)
    for number in range(1, max(objects) + 1):
        out += b"%010d 00000 n \n" % places.get(number, 0)
    more = b"/Prev %d" % (start if prev == -1 else prev) if prev is not None else b""
    out += b"trailer\n<< /Size %d %s %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        max(objects) + 1,
        trailer,
        more,
        start,
    )
    return bytes(out)


def pdf_of_pages(count: int, told: int | None = None, stream: bytes = b"", filters: bytes = b"") -> bytes:
    """A PDF of `count` pages that share one content stream."""
    kids = b" ".join(b"%d 0 R" % (number + 4) for number in range(count))
    filter = b"/Filter %s" % filters if filters else b""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count if told is None else told, kids),
        3: b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), filter, stream),
    }
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 3 0 R >>"
    return pdf(objects | {number + 4: page for number in range(count)})


def encrypted_pdf(password: str) -> bytes:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def pdf_tree(kids: Callable[[int], bytes], depth: int = 1) -> bytes:
    """A PDF whose page tree is made by hand: node `n` (from 2) has the kids that `kids(n)` says."""
    nodes = {n: b"<< /Type /Pages /Count 1 /Kids [%s] >>" % kids(n) for n in range(2, 2 + depth)}
    return pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>"} | nodes)


def archive(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, bytes(1 << 20))
    return buffer.getvalue()


def _bad_crc() -> bytes:
    data = bytearray(png())
    data[data.index(b"IDAT") + 8] ^= 0xFF
    return bytes(data)


_RANDOM = random.Random(7).randbytes(4000)
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

# Attack → status of the refusal, name, bytes.
REFUSED: dict[str, tuple[int, str, Callable[[], bytes]]] = {
    "png bomb of 900 megapixels": (413, "a.png", lambda: png_of(30_000, 30_000)),
    "png in Pillow's warning band": (413, "a.png", lambda: png_of(7999, 7999)),
    "png just over the pixels": (413, "a.png", lambda: png_of(5000, 5001)),
    "png one pixel high": (413, "a.png", lambda: png_of(60_000, 1, rows=bytes(180_001))),
    "png one pixel wide": (413, "a.png", lambda: png_of(1, 60_000, rows=bytes(240_000))),
    "png side just over": (413, "a.png", lambda: png_of(8001, 10)),
    "png of no width": (400, "a.png", lambda: png_of(0, 10)),
    "jpeg that says 65,000 pixels": (413, "a.jpg", lambda: jpeg_that_says(65_000, 65_000)),
    "gif that says 65,535 pixels": (413, "a.gif", lambda: b"GIF89a" + b"\xff" * 4 + gif_of_frames(1)[10:]),
    "webp that says 16,383 pixels": (413, "a.webp", lambda: webp_that_says(16_383, 16_383)),
    "gif of 10,000 frames": (413, "a.gif", lambda: gif_of_frames(10_000)),
    "webp of 201 frames": (413, "a.webp", lambda: animated_webp(201)),
    "apng that says 10,000 frames": (
        413, "a.png",
        lambda: png_of(2, 2, chunk(b"acTL", struct.pack(">II", 10_000, 0)), rows=bytes(14)),
    ),
    "tiff as png": (415, "a.png", lambda: encoded(picture(), "TIFF")),
    "webp of lossless 16,383 pixels": (
        413, "a.webp", lambda: b"RIFF\x20\0\0\0WEBPVP8L\x0d\0\0\0\x2f" + b"\xfe\xbf\xff\x0f" + bytes(20)
    ),
    "tiff": (415, "a", lambda: encoded(picture(), "TIFF")),
    "bmp": (415, "a", lambda: encoded(picture(), "BMP")),
    "icon": (415, "a", lambda: encoded(picture(32, 32), "ICO")),
    "jpeg 2000": (415, "a", lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + _RANDOM),
    "avif": (415, "a", lambda: b"\0\0\0\x20ftypavif" + _RANDOM),
    "heic": (415, "IMG_1.HEIC", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + _RANDOM),
    "photoshop": (415, "a", lambda: b"8BPS\0\1" + bytes(6) + _RANDOM),
    "postscript as png": (415, "a.png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
    "fits": (415, "a", lambda: b"SIMPLE  =                    T" + b" " * 2850),
    "svg": (415, "a.svg", lambda: _SVG),
    "svg as png": (415, "a.png", lambda: _SVG),
    "svg behind a prolog": (
        415, "a", lambda: b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- <x> -->\n<!DOCTYPE svg>\n' + _SVG
    ),
    "svg in utf-16": (415, "a", lambda: _SVG.decode().encode("utf-16")),
    "svg with a prefix": (415, "a", lambda: b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'),
    "svgz": (415, "a.svgz", lambda: b"\x1f\x8b\x08\0" + zlib.compress(_SVG)),
    "html as png": (400, "a.png", lambda: b"<html>" + SCRIPT + b"</html>"),
    "truncated png": (400, "a.png", lambda: png(200, 200)[:300]),
    "truncated jpeg": (400, "a.jpg", lambda: encoded(picture(200, 200), "JPEG")[:700]),
    "truncated webp": (400, "a.webp", lambda: encoded(picture(200, 200), "WEBP")[:90]),
    "png with a bad sum": (400, "a.png", _bad_crc),
    "png of a magic number alone": (400, "a.png", lambda: b"\x89PNG\r\n\x1a\n"),
    "jpeg of a magic number alone": (400, "a.jpg", lambda: b"\xff\xd8\xff"),
    "gif of a magic number alone": (400, "a.gif", lambda: b"GIF89a"),
    "webp of a magic number alone": (400, "a.webp", lambda: b"RIFF\4\0\0\0WEBP"),
    "nothing": (400, "a.png", lambda: b""),
    "one byte": (400, "a.jpg", lambda: b"\xff"),
    "zip": (415, "a.zip", lambda: archive("../../x")),
    "docx": (415, "a.docx", lambda: archive("word/document.xml")),
    "gzip": (415, "a.gz", lambda: b"\x1f\x8b\x08\0" + zeros(1 << 20)),
    "tar": (415, "a.tar", lambda: b"x".ljust(257, b"\0") + b"ustar\0" + bytes(512)),
    "older office file": (415, "a.doc", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + _RANDOM),
    "program": (415, "a.exe", lambda: b"MZ" + _RANDOM),
    "film": (415, "a.mp4", lambda: b"\0\0\0\x18ftypisom" + _RANDOM),
    "random bytes": (400, "a", lambda: b"\x80" + _RANDOM),
    "text with zero bytes": (415, "a.txt", lambda: b"hello\0world"),
    "text in latin-1": (400, "a.txt", lambda: "Grüße".encode("latin-1")),
    "half an utf-16 character": (400, "a.txt", lambda: b"\xff\xfea"),
    "utf-32 out of range": (400, "a.txt", lambda: b"\xff\xfe\0\0" + b"\xff" * 8),
    "text that is only a mark": (400, "a.txt", lambda: b"\xef\xbb\xbf"),
    "pdf of a magic number alone": (400, "a.pdf", lambda: b"%PDF-1.7"),
    "truncated pdf": (400, "a.pdf", lambda: pdf_of_pages(1)[:60]),
    "pdf of noise": (400, "a.pdf", lambda: b"%PDF-1.7\n" + _RANDOM),
    "pdf with a password": (400, "a.pdf", lambda: encrypted_pdf("secret")),
    "pdf with an empty password": (400, "a.pdf", lambda: encrypted_pdf("")),
    "pdf that says 100,000 pages": (413, "a.pdf", lambda: pdf_of_pages(1, told=100_000)),
    "pdf of 101 pages": (413, "a.pdf", lambda: pdf_of_pages(101, told=1)),
    "pdf of no pages": (400, "a.pdf", lambda: pdf_of_pages(0)),
    "pdf without a page tree": (400, "a.pdf", lambda: pdf({1: b"<< /Type /Catalog >>"})),
    "pdf bomb": (413, "a.pdf", lambda: pdf_of_pages(1, stream=zeros(100 << 20), filters=b"/FlateDecode")),
    "pdf bomb in a bomb": (
        413, "a.pdf",
        lambda: pdf_of_pages(1, stream=zeros(100 << 20, 2), filters=b"[/FlateDecode /FlateDecode]"),
    ),
    "pdf of pages that are large together": (
        413, "a.pdf", lambda: pdf_of_pages(10, stream=zeros(20 << 20), filters=b"/FlateDecode")
    ),
    "pdf whose pages are their own parents": (400, "a.pdf", lambda: pdf_tree(lambda n: b"2 0 R")),
    "pdf with a deep page tree": (413, "a.pdf", lambda: pdf_tree(lambda n: b"%d 0 R" % (n + 1), 3000)),
    "pdf of 100,000 brackets": (
        400, "a.pdf", lambda: pdf({1: b"<< /Type /Catalog /Pages %s" % (b"[" * 100_000)})
    ),
    "pdf as jpg": (400, "a.jpg", lambda: pdf_of_pages(1)),
    "picture as pdf": (400, "a.pdf", png),
}  # fmt: skip

# Attack → name, bytes: taken or refused, but nothing of SCRIPT is kept and nothing else happens.
HARMLESS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "png with a page behind it": ("a.png", lambda: png() + b"<html>" + SCRIPT),
    "jpeg with a page behind it": ("a.jpg", lambda: encoded(picture(), "JPEG") + SCRIPT),
    "gif that is an archive": ("a.gif", lambda: encoded(picture(), "GIF") + SCRIPT + archive("x.class")),
    "gif with a comment": ("a.gif", lambda: encoded(picture(), "GIF", comment=SCRIPT)),
    "jpeg with a comment": ("a.jpg", lambda: with_exif("JPEG")),
    "png with a comment": ("a.png", lambda: with_exif("PNG")),
    "webp with a comment": ("a.webp", lambda: with_exif("WEBP")),
    "png with a text bomb": (
        "a.png", lambda: png_of(2, 2, chunk(b"zTXt", b"c\0\0" + zeros(100 << 20)), rows=bytes(14))
    ),
    "png with a profile bomb": (
        "a.png", lambda: png_of(2, 2, chunk(b"iCCP", b"c\0\0" + zeros(100 << 20)), rows=bytes(14))
    ),
    "png with a broken exif": (
        "a.png", lambda: png_of(2, 2, chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + SCRIPT), rows=bytes(14))
    ),
    "jpeg whose exif refers to itself": (
        "a.jpg",
        lambda: encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0"),
    ),
    "pdf whose tables refer to each other": ("a.pdf", lambda: pdf_of_pages(1).replace(
        b"/Root", b"/Prev 9 /Root", 1)),
    "pdf with a negative count": ("a.pdf", lambda: pdf_of_pages(1, told=-5)),
}  # fmt: skip

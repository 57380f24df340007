"""Colour profiles for tests: of a screen whose red is blue, and of a press of whose inks only black is seen."""

from __future__ import annotations

import struct

from PIL import ImageCms

_ONE = 1 << 16


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped() -> bytes:
    """As sRGB, with the places of red and blue exchanged."""
    return srgb().replace(b"rXYZ", b"tXYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"tXYZ", b"bXYZ", 1)


def of_a_press() -> bytes:
    """For CMYK, as a table of two steps for each ink (ICC.1, lut8Type), with Lab at its corners."""
    matrix = struct.pack(">9i", _ONE, 0, 0, 0, _ONE, 0, 0, 0, _ONE)
    line = bytes(range(256))
    corners = bytes([255, 128, 128, 0, 128, 128]) * 8  # black is the ink that changes with each step
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + line * 4 + corners + line * 3
    size = 128 + 16 + len(table)
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", b"", b"acsp")
    header = header.ljust(68, b"\0") + struct.pack(">3I", 0xF6D6, _ONE, 0xD32D)
    return header.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table

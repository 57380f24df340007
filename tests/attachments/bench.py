"""How long a photo takes on its way: `python -m tests.attachments.bench`. Prints seconds; asserts nothing."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PHOTOS = 10


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings_for_tests")
    import django

    django.setup()
    from PIL import Image

    from conversations.attachments import process

    from .given import encoded

    rough = Image.effect_noise((252, 189), 80).resize((4032, 3024), Image.Resampling.BICUBIC)
    fine = Image.effect_noise((4032, 3024), 12)
    photo = Image.merge("RGB", (Image.blend(rough, fine, 0.3), rough, fine))
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = {
        "jpeg, 12 megapixels": ("image/jpeg", encoded(photo, "JPEG", quality=88)),
        "jpeg, 12 megapixels, turned": ("image/jpeg", encoded(photo, "JPEG", quality=88, exif=exif)),
        "png, 6 megapixels": ("image/png", encoded(photo.resize((3000, 2000)), "PNG")),
        "webp, 6 megapixels": ("image/webp", encoded(photo.resize((3000, 2000)), "WEBP")),
        "text, 20 MiB": ("text/plain", b"word " * (4 << 20)),
    }

    def prepare(kind: tuple[str, bytes]) -> dict[str, Any]:
        media_type, data = kind
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder, "given")
            given.write_bytes(data)
            with given.open("rb") as source:
                return process.run("freeze", media_type, source, Path(folder), process.limits())

    for name, kind in kinds.items():
        began = time.perf_counter()
        for _ in range(PHOTOS):
            prepare(kind)
        one = (time.perf_counter() - began) / PHOTOS
        began = time.perf_counter()
        with ThreadPoolExecutor(PHOTOS) as threads:
            list(threads.map(prepare, [kind] * PHOTOS))
        together = time.perf_counter() - began
        print(
            f"{name:30} {one:5.2f} s each, {PHOTOS} at once {together:5.2f} s  ({len(kind[1]) >> 10:,} KiB)"
        )


if __name__ == "__main__":
    main()

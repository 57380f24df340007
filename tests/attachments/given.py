"""Files for tests: made in code, and rows of attachments whose bytes are in the storage."""

from __future__ import annotations

import hashlib
import io
import uuid
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from conversations.models import Attachment, Conversation, StoredFile, User
from tests.world import Person


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def picture(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    """No two pixels in a row are alike, so that a turned or mirrored picture is another one."""
    red = Image.linear_gradient("L").resize((width, height))
    green = red.transpose(Image.Transpose.ROTATE_90).resize((width, height))
    return Image.merge("RGB", (red, green, Image.radial_gradient("L").resize((width, height)))).convert(mode)


def png(width: int = 40, height: int = 30) -> bytes:
    return encoded(picture(width, height))


def post(person: Person, data: bytes, name: str = "a.png", declared: str = "application/octet-stream") -> Any:
    """What the site answers to this upload."""
    return person.post("/attachments/", {"file": SimpleUploadedFile(name, data, declared)})


def upload(person: Person, data: bytes | None = None, name: str = "a.png") -> dict[str, Any]:
    response = post(person, png() if data is None else data, name)
    assert response.status_code == 201, response.content
    return response.json()  # type: ignore[no-any-return]


def content(response: Any) -> bytes:
    """The body, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def attached(
    uploader: User | None, conversation: Conversation | None = None, data: bytes | None = None, **fields: Any
) -> Attachment:
    """An attachment without the way through the child process."""
    data = png() if data is None else data
    stored = stored_file(data, fields.get("media_type", "image/png"))
    return Attachment.objects.create(
        **{
            "id": uuid.uuid4(), "uploader": uploader, "conversation": conversation, "name": "a.png",
            "media_type": "image/png", "size": len(data), "width": 40, "height": 30, "tokens": 4,
            "original": stored, "sent": stored, "thumbnail": stored,
        }
        | fields
    )  # fmt: skip


def stored_file(data: bytes, media_type: str = "image/png") -> StoredFile:
    sha256 = hashlib.sha256(data).hexdigest()
    found = StoredFile.objects.filter(sha256=sha256, complete=True).first()
    if found is not None:
        return found
    name = default_storage.save(StoredFile.new_name(sha256), ContentFile(data))
    return StoredFile.objects.create(
        sha256=sha256, media_type=media_type, size=len(data), file=name, complete=True
    )

"""The files of messages as pages and exports show them. Used by `transcript` and `export`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from ..attachments.sending import files_in, referred
from ..models import Attachment, Message
from ..rendering.characters import visible
from .attachments import thumbnail_url


def files_of(messages: Iterable[Message]) -> dict[str, Attachment]:
    """The attachments that these messages refer to, by id, in order; no query when there are none."""
    ids = [id for message in messages for id in files_in(message)]
    if not ids:
        return {}
    found = {str(row.pk): row for row in Attachment.objects.filter(pk__in=ids)}
    return {id: found[id] for id in ids if id in found}


def file_block(index: int, block: dict[str, Any], files: dict[str, Attachment]) -> dict[str, Any] | None:
    """What `_block.html` reads of a picture or a document; None for other blocks.

    `omitted` is true when the file stays out of requests, `url` empty when it is no longer there.
    """
    ids = referred([block])
    if not ids:
        return None
    file = files.get(ids[0])
    shown: dict[str, Any] = {
        "kind": "image" if file is not None and file.is_picture else "document",
        "index": index,
        "id": ids[0],
        "name": "A file that is no longer here",
        "url": "",
        "size": 0,
        "omitted": bool(block.get("omitted")),
    }
    if file is not None:
        shown |= {
            "name": visible(file.name),
            "alt": visible(file.alt_text),
            "url": reverse("attachment", args=[file.pk]),
            "thumbnail_url": thumbnail_url(file),
            "width": file.width,
            "height": file.height,
            "pages": file.pages,
            "size": file.size,
            "tokens": file.tokens,
            "media_type": file.media_type,
        }
    return shown

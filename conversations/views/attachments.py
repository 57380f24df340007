"""Files: given by POST, served inert to those who may see them, taken back while nobody has sent them."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatsite.errors import json_error

from .. import access
from ..access import Operation
from ..actions import attachments, uploads
from ..actions.errors import Invalid, Refused
from ..models import Attachment
from ..rendering.characters import visible
from .requests import Fields, answer, person
from .stored import original_response, thumbnail_response

logger = logging.getLogger(__name__)


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """POST /attachments/ (multipart `file`): 201 with the contract's description; every refusal is JSON too."""
    try:
        files = request.FILES.getlist("file")
        if len(files) != 1 or not isinstance(files[0], UploadedFile):
            raise Invalid("Send one file per request, as the field “file” of a multipart form.")
        return JsonResponse(described(uploads.upload(person(request), files[0])), status=201)
    except Refused as refused:
        return json_error(refused.status, refused.type, refused.message)
    except (OperationalError, OSError):
        # The disk is full, the database away, or there is no process to be had: nothing was stored.
        logger.exception("An upload could not be stored.")
        return json_error(503, "unavailable", "The server cannot store files now. Try again in a moment.")


@require_http_methods(["GET", "HEAD", "DELETE"])
def attachment(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:
    """GET: the stored bytes. DELETE: take back what no message has taken, 204."""
    if request.method == "DELETE":
        attachments.remove(access.attachment(person(request), id, Operation.WRITE))
        return HttpResponse(status=204)
    return original_response(request, access.attachment(person(request), id, Operation.READ))


@require_safe
def thumbnail(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:
    """GET …/thumbnail/: a small WebP of a picture; other files have none."""
    return thumbnail_response(request, access.attachment(person(request), id, Operation.READ))


@require_POST
def alt(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """POST …/alt/ (`alt`, `based_on` optional): other words for those who cannot see the picture. 409 `changed` with
    `current` when they are no longer those that the change is based on.
    """
    found = access.attachment(person(request), id, Operation.WRITE)
    fields = Fields(request)
    based_on = fields.text("based_on") if fields.has("based_on") else None
    attachments.describe(found, fields.text("alt"), based_on)
    page = reverse("conversation", args=[found.conversation_id]) if found.conversation_id else reverse("home")
    return answer(request, {"id": found.pk, "alt": visible(found.alt_text)}, page)


def described(attachment: Attachment) -> dict[str, Any]:
    """An attachment in the contract's words; sizes in bytes and pixels, `tokens` estimated."""
    return {
        "id": attachment.pk,
        "name": attachment.name,
        "media_type": attachment.media_type,
        "width": attachment.width,
        "height": attachment.height,
        "pages": attachment.pages,
        "size": attachment.size,
        "tokens": attachment.tokens,
        "url": reverse("attachment", args=[attachment.pk]),
        "thumbnail_url": thumbnail_url(attachment),
    }


def thumbnail_url(attachment: Attachment) -> str | None:
    if attachment.thumbnail_id is None:
        return None
    return reverse("attachment-thumbnail", args=[attachment.pk])

"""Everything that is a person's own, as one archive to take along."""

from __future__ import annotations

import shutil
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST

from ..actions import audit
from ..models import Attachment, Conversation, Message, User
from .export import as_json
from .messages import message_json
from .requests import answers_refusals, person


@require_POST
@answers_refusals
def own_data(request: HttpRequest) -> HttpResponseBase:
    """POST /account/data/: a ZIP archive of the account, the person's conversations with all their branches, what they
    wrote in those of others, and the files that they gave.
    """
    user = person(request)
    # Closed by the response.
    archive = TemporaryFile()  # noqa: SIM115
    with ZipFile(archive, "w", ZIP_DEFLATED) as made:
        made.writestr("account.json", as_json(_account(user)))
        for conversation in Conversation.objects.filter(owner=user, deleted_at=None).order_by("pk"):
            made.writestr(f"conversations/{conversation.pk}.json", as_json(_conversation(conversation)))
        made.writestr("written-elsewhere.json", as_json(_elsewhere(user)))
        made.writestr("files.json", as_json([_put(made, file) for file in _files(user)]))
    archive.seek(0)
    audit.record(user, "data_exported", user)
    return FileResponse(archive, as_attachment=True, filename=f"{user.username}.zip")


def _account(user: User) -> dict[str, Any]:
    names = ("username", "email", "display_name", "theme", "time_zone", "date_joined", "last_login")
    groups = list(user.groups.order_by("name").values_list("name", flat=True))
    return {name: getattr(user, name) for name in names} | {"groups": groups}


def _conversation(conversation: Conversation) -> dict[str, Any]:
    rows = conversation.messages.select_related("generation").order_by("created_at", "pk")
    return {
        "id": conversation.pk,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "parameters": conversation.parameters,
        "current_leaf": conversation.current_leaf_id,
        "messages": [message_json(row) for row in rows],
    }


def _elsewhere(user: User) -> list[dict[str, Any]]:
    rows = Message.objects.filter(author=user).exclude(conversation__owner=user).select_related("generation")
    rows = rows.order_by("created_at", "pk")
    return [{"conversation": row.conversation_id, **message_json(row)} for row in rows]


def _files(user: User) -> list[Attachment]:
    return list(
        Attachment.objects.filter(uploader=user).select_related("original").order_by("created_at", "pk")
    )


def _put(archive: ZipFile, file: Attachment) -> dict[str, Any]:
    """Adds the bytes as they are, since most are compressed already. Says where, or that the storage has lost them."""
    path: str | None = f"files/{file.pk}"
    stored = file.original.file
    try:
        with (
            stored.storage.open(str(stored)) as source,
            archive.open(ZipInfo(str(path), timezone.now().timetuple()[:6]), "w", force_zip64=True) as target,
        ):
            shutil.copyfileobj(source, target)
    except OSError:
        path = None
    return {
        "path": path,
        "name": file.name,
        "media_type": file.media_type,
        "conversation": file.conversation_id,
        "created_at": file.created_at,
    }

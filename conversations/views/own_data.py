"""Everything that is a person's own, as one archive to take along."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from secrets import token_hex
from tempfile import TemporaryFile
from typing import Any
from weakref import finalize
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST

from ..actions import audit, removal, uploads
from ..actions.errors import Busy
from ..models import Attachment, Conversation, Message, User
from .export import as_json
from .messages import message_json
from .requests import person

# One archive of a person is made and fetched in so long; then the next may begin, also where a process died with it.
UNDER_WAY_SECONDS = 600


@require_POST
def own_data(request: HttpRequest) -> HttpResponseBase:
    """POST /account/data/: a ZIP archive of the account, the person's conversations with all their branches, what they
    wrote in those of others, and the files that they gave or have in a copy of a conversation. One at a time: it takes
    a thread while it is made, and room on the disk until it has been fetched.
    """
    user = person(request)
    key, mine = f"own-data-{user.pk}", token_hex()
    with ExitStack() as opened:
        # Not in the system's folder, which may be memory.
        archive = opened.enter_context(TemporaryFile(dir=uploads.work_root()))
        if not cache.add(key, mine, UNDER_WAY_SECONDS):
            raise Busy(
                "An archive of your data is on its way already. Wait until you have it, then try again."
            )
        # Also where nobody is there any more to take it.
        end = finalize(archive, _end, key, mine)
        opened.callback(end)
        with ZipFile(archive, "w", ZIP_DEFLATED) as made:
            _fill(made, user)
        archive.seek(0)
        audit.record(user, "data_exported", user)
        # From here on the response closes it.
        opened.pop_all()
    return _Archive(end, archive, as_attachment=True, filename=f"{user.username}.zip")


class _Archive(FileResponse):
    """Lets the person have another one once it is closed."""

    def __init__(self, end: Callable[[], object], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._end = end

    def close(self) -> None:
        super().close()
        self._end()


def _end(key: str, mine: str) -> None:
    if cache.get(key) == mine:
        cache.delete(key)


def _fill(archive: ZipFile, user: User) -> None:
    archive.writestr("account.json", as_json(_account(user)))
    # One at a time: what a person has said in years does not fit into memory at once.
    for conversation in removal.owned_by(user).order_by("pk"):
        archive.writestr(f"conversations/{conversation.pk}.json", as_json(_conversation(conversation)))
    archive.writestr("written-elsewhere.json", as_json(_elsewhere(user)))
    archive.writestr("files.json", as_json([_put(archive, file) for file in _files(user)]))


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


def _files(user: User) -> QuerySet[Attachment]:
    # A copy's files are nobody's upload: when the conversation goes that they came from, these are the only ones.
    copied = Q(uploader=None, conversation__in=removal.owned_by(user))
    found = Attachment.objects.filter(Q(uploader=user) | copied)
    return found.select_related("original").order_by("created_at", "pk")


def _put(archive: ZipFile, file: Attachment) -> dict[str, Any]:
    """Adds the file. Says where it is, or that the storage has lost it."""
    path = f"files/{file.pk}"
    return {
        "id": file.pk,
        "path": path if _copied(file, archive, path) else None,
        "name": file.name,
        "alt": file.alt,
        "media_type": file.media_type,
        "conversation": file.conversation_id,
        "created_at": file.created_at,
    }


def _copied(file: Attachment, archive: ZipFile, path: str) -> bool:
    """The bytes as they are, since most are compressed already. False when they are gone."""
    stored = file.original.file
    try:
        source = stored.storage.open(str(stored))
    except FileNotFoundError:
        return False
    entry = ZipInfo(path, timezone.now().timetuple()[:6])
    with source, archive.open(entry, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target)
    return True

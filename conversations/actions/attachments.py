"""What happens to files: given, taken by a message, copied by a fork, removed, forgotten. Called by views and sends."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from ..attachments import kinds, process, sending
from ..attachments.names import label
from ..attachments.refusal import FileRefused, megabytes
from ..models import Attachment, Conversation, LanguageModel, Message, StoredFile, User
from ..upstream.capabilities import lookup
from . import stored_files
from .errors import Invalid, Refused, TooLarge, Unsupported
from .transaction import writing

Blocks = list[dict[str, Any]]

_REFUSALS: dict[str, type[Refused]] = {"unsupported": Unsupported, "invalid": Invalid, "too_large": TooLarge}
_ATTEMPTS = 3


def upload(user: User, given: UploadedFile[bytes]) -> Attachment:
    """A checked and frozen file of this person's, not yet part of any message.

    Raises Unsupported, Invalid, TooLarge (also for the quota) or Unavailable, each with the sentence to show.
    """
    size = given.size or 0
    if size > settings.ATTACHMENT_MAX_BYTES:
        limit = megabytes(settings.ATTACHMENT_MAX_BYTES)
        raise TooLarge(f"This file has {megabytes(size)}; the limit is {limit}.")
    name = label(given.name or "")
    _refuse_over_quota(user, size)
    try:
        media_type = kinds.recognise(given.read(kinds.HEAD_BYTES), name)
        with work_folder() as folder:
            source = _on_disk(given, folder)
            with source.open("rb") as opened:
                result = process.run("freeze", media_type, opened, folder, process.limits())
            return _stored(user, name, result, source, folder)
    except FileRefused as refused:
        raise _REFUSALS[refused.kind](refused.message) from None


def remove(attachment: Attachment) -> None:
    """Takes back an upload that no message has taken; a sent one stays. Raises Invalid."""
    with writing():
        deleted, _ = Attachment.objects.filter(pk=attachment.pk, conversation=None).delete()
    if not deleted:
        raise Invalid("This file is part of a message and stays there.")


def take(
    user: User, conversation: Conversation, ids: Sequence[uuid.UUID], language_model: LanguageModel
) -> Blocks:
    """The blocks of a new user turn for these uploads, in the order given; they belong to the conversation from now on.

    Call inside the send's transaction. Raises Invalid or TooLarge; nothing is taken then.
    """
    if not ids:
        return []
    if len(ids) > settings.ATTACHMENTS_PER_MESSAGE:
        raise Invalid(
            f"A message takes up to {settings.ATTACHMENTS_PER_MESSAGE} files; these are {len(ids)}. "
            "Send the rest with the next one."
        )
    if len(set(ids)) != len(ids):
        raise Invalid("The same file is attached twice.")
    unsent = Attachment.objects.unsent_of(user).select_for_update(of=("self",))
    found = {row.pk: row for row in unsent.filter(pk__in=ids).select_related("sent")}
    if len(found) != len(ids):
        raise Invalid("A file is no longer there, or was sent already. Attach it again.")
    rows = [found[id] for id in ids]
    try:
        sending.refuse_unreadable(rows, lookup(language_model.model_id, language_model.provider.dialect))
        sending.refuse_too_large(sum(sending.size_in_request(row, row.sent) for row in rows))
    except sending.CannotBeSent as refused:
        raise (TooLarge if refused.type == "size" else Invalid)(str(refused)) from None
    Attachment.objects.filter(pk__in=ids).update(conversation=conversation)
    return [sending.reference(row) for row in rows]


def title_of(user: User, ids: Sequence[uuid.UUID]) -> str:
    """What a conversation that begins without a word is called: the name of its first file."""
    first = Attachment.objects.unsent_of(user).filter(pk__in=ids[:1]).first()
    return first.name[:60] if first is not None else ""


def copy_into(conversation: Conversation, messages: Sequence[Message]) -> dict[str, str]:
    """Attachments of these messages for another conversation, by the ids they had: the bytes stay where they are.

    Call inside the fork's transaction. The copies count for nobody's quota.
    """
    ids = [id for message in messages for id in sending.referred(message.content)]
    copies = {}
    for row in Attachment.objects.filter(pk__in=ids):
        before = str(row.pk)
        row.pk = uuid.uuid4()
        row.uploader = None
        row.conversation = conversation
        row.save(force_insert=True)
        copies[before] = str(row.pk)
    return copies


def sweep(now: datetime | None = None) -> int:
    """Removes uploads that no message took within a day, bytes without references, and left-over work folders.

    For the server's periodic loop, every quarter of an hour, and for `manage.py sweep_attachments`. Returns how many
    files left the storage.
    """
    now = now or timezone.now()
    with writing():
        Attachment.objects.forgotten(now - timedelta(seconds=settings.ATTACHMENT_UNSENT_SECONDS)).delete()
    _sweep_work()
    return stored_files.sweep(now)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for one file's way through the child, in the data folder."""
    parent = Path(settings.MEDIA_ROOT) / "work"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def _on_disk(given: UploadedFile[bytes], folder: Path) -> Path:
    if hasattr(given, "temporary_file_path"):
        return Path(given.temporary_file_path())
    path = folder / "given"
    with path.open("wb") as target:
        given.seek(0)
        for piece in given.chunks():
            target.write(piece)
    return path


def _stored(user: User, name: str, result: dict[str, Any], source: Path, folder: Path) -> Attachment:
    for attempt in range(_ATTEMPTS):
        by_name = {file["name"]: file for file in result["files"].values()}
        kept = {name: stored_files.file_of(file, folder) for name, file in by_name.items()}
        files = {role: kept[file["name"]] for role, file in result["files"].items()}
        if "original" not in files:
            files["original"] = stored_files.stored(source, result["media_type"], None, None)
        try:
            return _attached(user, name, result, files)
        except stored_files.Vanished:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _attached(user: User, name: str, result: dict[str, Any], files: dict[str, StoredFile]) -> Attachment:
    with writing():
        if connection.features.has_select_for_update:
            # Uploads of one person take turns: the quota holds also when a hundred come at once.
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
        original = stored_files.settled(files["original"])
        _refuse_over_quota(user, original.size)
        attachment = Attachment(
            uploader=user,
            name=name,
            size=original.size,
            original=original,
            sent=stored_files.settled(files["sent"]) if "sent" in files else original,
            thumbnail=stored_files.settled(files["thumbnail"]) if "thumbnail" in files else None,
            **{field: result[field] for field in ("media_type", "width", "height", "pages", "tokens")},
        )
        attachment.save(force_insert=True)
    return attachment


def _refuse_over_quota(user: User, size: int) -> None:
    """Every upload counts in full, also of bytes that are stored already: the figure tells nothing about others."""
    held = Attachment.objects.filter(uploader=user).aggregate(files=Count("pk"), size=Sum("size"))
    if held["files"] >= settings.QUOTA_FILES:
        raise TooLarge(
            f"You have {held['files']:,} files here, which is the limit. Delete conversations with files."
        )
    if (held["size"] or 0) + size > settings.QUOTA_BYTES:
        raise TooLarge(
            f"Your files take {megabytes(held['size'] or 0)} of {megabytes(settings.QUOTA_BYTES)}; "
            f"this one has {megabytes(size)}. Delete conversations with files."
        )


def _sweep_work() -> None:
    parent = Path(settings.MEDIA_ROOT) / "work"
    before = time.time() - settings.ATTACHMENT_ORPHAN_SECONDS
    for folder in parent.glob("*"):
        if folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)

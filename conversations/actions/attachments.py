"""What happens to files after their upload: taken by a message, copied by a fork, removed, forgotten."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from ..access import NotFound
from ..attachments import sending
from ..models import Attachment, Conversation, LanguageModel, Message, User
from ..rendering.characters import visible
from . import stored_files
from .errors import Changed, Invalid, TooLarge
from .text import storable
from .transaction import writing
from .uploads import work_root

Blocks = list[dict[str, Any]]

_CHANGED = "Somebody else has described this picture meanwhile: “{}”. Save again to put yours in its place."
_TAKEN_AWAY = "Somebody else has removed the description meanwhile. Save again to put yours there."


def remove(attachment: Attachment) -> None:
    """Takes back an upload that no message has taken; a sent one stays. Raises Invalid."""
    with writing():
        deleted, _ = Attachment.objects.filter(pk=attachment.pk, conversation=None).delete()
    if not deleted:
        raise Invalid("This file is part of a message and cannot be removed.")


def describe(attachment: Attachment, alt: str, based_on: str | None = None) -> None:
    """Words for those who cannot see the picture; without any its name stands for them again.

    `based_on` is the description that the person had before their eyes. Raises Invalid, NotFound; Changed when it is
    another one by now.
    """
    if not attachment.is_picture:
        raise Invalid("Only a picture can be described.")
    alt = " ".join(storable(alt).split())
    if len(alt) > settings.ALT_TEXT_MAX_CHARACTERS:
        raise Invalid(
            f"The description has {len(alt):,} characters; the limit is {settings.ALT_TEXT_MAX_CHARACTERS:,}."
        )
    with writing():
        row = Attachment.objects.select_for_update(of=("self",)).filter(pk=attachment.pk).first()
        if row is None:
            raise NotFound
        if based_on is not None and row.alt != alt and based_on != (current := _shown(row)):
            raise Changed(_CHANGED.format(current) if current else _TAKEN_AWAY, current=current)
        Attachment.objects.filter(pk=row.pk).update(alt=alt)
    attachment.alt = alt


def _shown(attachment: Attachment) -> str:
    """The description as pages show it; words that are the file's name are none."""
    return "" if attachment.alt == attachment.name else visible(attachment.alt)


def take(
    user: User,
    conversation: Conversation,
    ids: Sequence[uuid.UUID],
    language_model: LanguageModel,
    kept: Sequence[dict[str, Any]] = (),
) -> Blocks:
    """The blocks of a new user turn for these uploads, in the order given; they belong to the conversation from now on.

    `kept` are blocks that the turn has already: their files count for what a message takes. Call inside the send's
    transaction. Raises Invalid or TooLarge; nothing is taken then.
    """
    if not ids:
        return []
    before = sending.referred(kept)
    if len(before) + len(ids) > settings.ATTACHMENTS_PER_MESSAGE:
        these = f"with the {len(before)} that it has already these" if before else "these"
        raise Invalid(
            f"A message takes up to {settings.ATTACHMENTS_PER_MESSAGE} files; {these} are {len(before) + len(ids)}. "
            "Send the rest with the next one."
        )
    if len(set(ids)) != len(ids):
        raise Invalid("The same file is attached twice.")
    unsent = Attachment.objects.unsent_of(user).select_for_update(of=("self",))
    found = {row.pk: row for row in unsent.filter(pk__in=ids).select_related("sent")}
    if len(found) != len(ids):
        raise Invalid("A file is no longer there, or was sent already. Attach it again.")
    rows = [found[id] for id in ids]
    has = Attachment.objects.filter(pk__in=before).select_related("sent") if before else ()
    try:
        sending.refuse_unreadable(rows, language_model.can)
        sending.refuse_too_large(sum(sending.size_in_request(row, row.sent) for row in (*has, *rows)))
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
    ids = [id for message in messages for id in sending.files_in(message)]
    rows = Attachment.objects.filter(pk__in=ids).in_bulk()
    for row in rows.values():
        row.pk, row.uploader, row.conversation = uuid.uuid4(), None, conversation
    Attachment.objects.bulk_create(rows.values())
    return {str(before): str(row.pk) for before, row in rows.items()}


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


def _sweep_work() -> None:
    before = time.time() - settings.ATTACHMENT_ORPHAN_SECONDS
    for left in work_root().glob("*"):
        # Work that ends meanwhile cleans up after itself.
        with suppress(FileNotFoundError):
            if left.stat().st_mtime >= before:
                continue
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()

"""Bytes into the storage and out of it again, so that a crash at any point leaves nothing without a row.

A row comes first, then its bytes, then the mark that both are whole; away they go in the opposite order.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from ..models import Attachment, StoredFile
from .errors import Unavailable
from .transaction import writing


class Vanished(Exception):
    """The bytes were cleaned away between finding and referring to them: store them once more."""


def stored(path: Path, media_type: str, width: int | None, height: int | None) -> StoredFile:
    """A row whose bytes are in the storage: one that was there, or a new one that `settled` has to confirm.

    Raises Unavailable when the storage takes nothing, for example because the disk is full.
    """
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        found = StoredFile.objects.filter(sha256=sha256, complete=True).first()
        if found is not None:
            return found
        row = StoredFile(
            sha256=sha256,
            media_type=media_type,
            size=path.stat().st_size,
            width=width,
            height=height,
            file=StoredFile.new_name(sha256),
        )
        with writing():
            row.save(force_insert=True)
        source.seek(0)
        try:
            default_storage.save(str(row.file), File(source))
        except OSError as error:
            raise Unavailable(
                f"The file could not be stored: {error.strerror or 'the storage does not answer'}. Try again later."
            ) from None
    return row


def settled(row: StoredFile) -> StoredFile:
    """The row to refer to. Call inside the transaction that adds the reference. Raises Vanished."""
    same = StoredFile.objects.filter(sha256=row.sha256, complete=True)
    found = same.select_for_update().first()
    if found is not None:
        return found
    if row.complete:
        raise Vanished
    try:
        with transaction.atomic():
            StoredFile.objects.filter(pk=row.pk).update(complete=True)
    except IntegrityError:
        # Somebody else stored the same bytes at the same time; ours are cleaned away later.
        return same.get()
    row.complete = True
    return row


def sweep(now: datetime | None = None) -> int:
    """Removes bytes that nothing refers to any more. Returns how many files went."""
    before = (now or timezone.now()) - timedelta(seconds=settings.ATTACHMENT_ORPHAN_SECONDS)
    with writing():
        locked = list(_unused(before).select_for_update(skip_locked=True))
        # Asked again under the lock: a reference may have been added meanwhile.
        rows = list(_unused(before).filter(pk__in=[row.pk for row in locked]))
        keys = [row.pk for row in rows]
        StoredFile.objects.filter(pk__in=keys).update(complete=False)
    for row in rows:
        default_storage.delete(str(row.file))
    with writing():
        StoredFile.objects.filter(pk__in=keys).delete()
    return len(keys)


def _unused(before: datetime) -> QuerySet[StoredFile]:
    """Files older than `before` that no attachment refers to: left over, or never finished."""
    found = StoredFile.objects.filter(created_at__lt=before)
    for name in Attachment.FILES:
        found = found.filter(~Exists(Attachment.objects.filter(**{name: OuterRef("pk")})))
    return found


def file_of(result: dict[str, Any], folder: Path) -> StoredFile:
    """The stored form of one of the files that the child wrote; `process` has checked what it says of them."""
    return stored(folder / result["name"], result["media_type"], result["width"], result["height"])

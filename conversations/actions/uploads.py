"""A given file becomes a checked, frozen, stored attachment that nobody but its uploader sees yet. Called by views."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Sum

from ..attachments import kinds, process
from ..attachments.names import label
from ..attachments.refusal import FileRefused, beyond, megabytes
from ..models import Attachment, Conversation, StoredFile, User
from . import stored_files
from .errors import Invalid, Refused, TooLarge, Unsupported
from .transaction import hold, writing

_REFUSALS: dict[str, type[Refused]] = {"unsupported": Unsupported, "invalid": Invalid, "too_large": TooLarge}
_ATTEMPTS = 3


def work_root() -> Path:
    """Where files are on their way through the child; swept when a crash leaves something there."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def upload(user: User, given: UploadedFile[bytes]) -> Attachment:
    """A checked and frozen file of this person's, not yet part of any message.

    Raises Unsupported, Invalid, TooLarge (also for the quota) or Unavailable, each with the sentence to show; NotFound
    when the person was removed meanwhile.
    """
    size = given.size or 0
    if size > settings.ATTACHMENT_MAX_BYTES:
        limit = megabytes(settings.ATTACHMENT_MAX_BYTES)
        raise TooLarge(f"This file is {beyond(megabytes(size), limit)}; the limit is {limit}.")
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


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for one file's way through the child, in the data folder."""
    parent = work_root()
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
        # Uploads of one person take turns: the quota holds also when a hundred come at once.
        hold(user)
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
    files, held = _held(user)
    if files >= settings.QUOTA_FILES:
        raise TooLarge(
            f"You have {files:,} files here, which is the limit. Delete conversations that contain files."
        )
    if held + size > settings.QUOTA_BYTES:
        raise TooLarge(
            f"Your files take {megabytes(held)} of {megabytes(settings.QUOTA_BYTES)}; "
            f"this one is {megabytes(size)}. Delete conversations that contain files."
        )


def _held(person: User) -> tuple[int, int]:
    """How many files, and how many bytes, count for this person's quota."""
    held = Attachment.objects.held_by(person).aggregate(files=Count("pk"), size=Sum("size"))
    return held["files"], held["size"] or 0


def givers_of(conversation: Conversation) -> list[User]:
    """Whose files are in it; they get no others before this transaction ends. To be asked before the conversation is
    changed, as whoever sends takes the person first.
    """
    givers = Attachment.objects.filter(conversation=conversation).values("uploader")
    return list(User.objects.select_for_update(no_key=True).filter(pk__in=givers).order_by("pk"))


def refuse_without_room(givers: Iterable[User]) -> None:
    """For a conversation that was just taken back: its files count again, each for whoever gave it. Raises TooLarge."""
    for person in givers:
        files, held = _held(person)
        if files > settings.QUOTA_FILES or held > settings.QUOTA_BYTES:
            raise TooLarge(
                "There is no room for the files of this conversation. Delete others that contain files first."
            )

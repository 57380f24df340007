"""Pictures at the size of the high-resolution tier, made when a model first needs them. Called by `generation`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings

from ..attachments import process
from ..attachments.refusal import FileRefused
from ..models import Attachment, StoredFile
from . import stored_files
from .errors import Unavailable
from .transaction import writing
from .uploads import work_folder

logger = logging.getLogger(__name__)


def prepare(attachments: Iterable[Attachment]) -> None:
    """Fills `sent_large` of the pictures among these that are larger than what other models get; once for ever.

    One that cannot be made is left out with a line in the log: the smaller one is good enough to go on.
    """
    missing = [row for row in attachments if row.sent_large_id is None and row.sent_id != row.original_id]
    missing = [row for row in missing if row.is_picture]
    if not missing:
        return
    with ExitStack() as stack:
        folders = [stack.enter_context(work_folder()) for _ in missing]
        # The threads only wait for children: the database is this thread's affair.
        with ThreadPoolExecutor(max_workers=settings.ATTACHMENT_CHILDREN) as threads:
            results = list(threads.map(_made, [row.original for row in missing], folders))
        for row, result, folder in zip(missing, results, folders, strict=True):
            if result is not None:
                _keep(row, result, folder)


def _made(original: StoredFile, folder: Path) -> dict[str, Any] | None:
    bounds = process.limits()._replace(sent_side=settings.IMAGE_SENT_SIDE_LARGE)
    try:
        source = folder / "given"
        with original.file.storage.open(str(original.file)) as stored, source.open("wb") as target:
            shutil.copyfileobj(stored, target)
        with source.open("rb") as opened:
            return process.run("variant", original.media_type, opened, folder, bounds)
    except (FileRefused, OSError) as error:
        logger.warning("A picture could not be made for a high-resolution model: %s", error)
        return None


def _keep(row: Attachment, result: dict[str, Any], folder: Path) -> None:
    try:
        made = stored_files.file_of(result["files"]["sent"], folder) if result["files"] else row.original
        with writing():
            row.sent_large = stored_files.settled(made)
            row.save(update_fields=["sent_large"])
    except (Unavailable, stored_files.Vanished) as error:
        logger.warning("A picture for a high-resolution model could not be stored: %s", error)
        row.sent_large = None

"""Uploaded files in an S3 bucket, with the errors of a disk. Named by `files`; needs requirements-scaled.txt."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

logger = logging.getLogger(__name__)

_IN_MEMORY = 1024 * 1024
_PATIENCE = {"connect_timeout": 5, "read_timeout": 20, "retries": {"total_max_attempts": 2}}


@contextmanager
def _as_on_a_disk() -> Iterator[None]:
    """Callers know OSError alone, and people need not know where files are kept."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        logger.warning("The bucket of CHATSITE_FILES_URL: %s", error)
        raise OSError(None, "the storage does not answer") from error


class Bucket(S3Storage):  # type: ignore[misc]
    """A file that is opened has been fetched as a whole: nothing can break off while it is read."""

    def get_default_settings(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_default_settings()
        # The threads of boto3 would outnumber ours, and a file is small.
        return found | {
            "max_memory_size": _IN_MEMORY, "transfer_config": TransferConfig(use_threads=False),
            "client_config": Config(**_PATIENCE),
        }  # fmt: skip

    def _open(self, name: str, mode: str = "rb") -> Any:
        with _as_on_a_disk():
            file = super()._open(name, mode)
            file.seek(0)
            return file

    def _save(self, name: str, content: Any) -> str:
        with _as_on_a_disk():
            return str(super()._save(name, content))

    def exists(self, name: str) -> bool:
        with _as_on_a_disk():
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        with _as_on_a_disk():
            super().delete(name)

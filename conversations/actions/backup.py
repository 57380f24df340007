"""A backup of the whole site in one file, taken while it runs. Called by `manage.py backup`.

The file is a tar archive: the database (a SQLite file, or a table each as PostgreSQL's COPY writes it), the stored
files it refers to, with `--with-secrets` the secret keys, and at its end `manifest.json` with the hash of each.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from . import database_copy

FORMAT = 1
MANIFEST = "manifest.json"
SECRETS = "secrets.json"
FILES = "files/"


@dataclass(slots=True)
class Report:
    """What a backup holds, and which stored files could not be taken because they are missing or damaged."""

    rows: dict[str, int]
    files: int = 0
    size: int = 0
    lost: list[str] = field(default_factory=list)
    with_secrets: bool = False


def write(target: Path, *, with_secrets: bool) -> Report:
    """Make the backup at `target`, which must not exist; it appears there when it is whole, readable by its owner
    alone. Raises OSError, database_copy.Damaged.
    """
    if target.exists():
        raise FileExistsError(17, "the file exists already", str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
            copy = database_copy.take(Path(folder))
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                report = _write(out, copy, with_secrets)
                out.flush()
                os.fsync(out.fileno())
        report.size = draft.stat().st_size
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return report


def _write(out: IO[bytes], copy: database_copy.Copy, with_secrets: bool) -> Report:
    report = Report(rows=copy.rows, with_secrets=with_secrets)
    members: dict[str, dict[str, Any]] = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in copy.members.items():
            with path.open("rb") as source:
                members[name] = _add(archive, name, source, path.stat().st_size)
        for name, sha256 in copy.files:
            with ExitStack() as opened:
                try:
                    stored = opened.enter_context(default_storage.open(name, "rb"))
                    if hashlib.file_digest(stored, "sha256").hexdigest() != sha256:
                        raise ValueError
                    stored.seek(0)
                    size = stored.size
                except (OSError, ValueError):
                    # The rest is worth keeping all the same; the command says so and fails.
                    report.lost.append(name)
                    continue
                # What breaks off from here on leaves a header without its bytes: nothing after it could be read.
                members[FILES + name] = _add(archive, FILES + name, stored, size)
            report.files += 1
        if with_secrets:
            keys = {"SECRET_KEY": settings.SECRET_KEY, "SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS}
            secrets = json.dumps(keys).encode()
            members[SECRETS] = _add(archive, SECRETS, io.BytesIO(secrets), len(secrets))
        manifest = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "database": connection.vendor,
            "migrations": copy.migrations,
            "columns": copy.columns,
            "rows": copy.rows,
            "lost": report.lost,
            "members": members,
        }
        text = json.dumps(manifest, indent=1).encode()
        _add(archive, MANIFEST, io.BytesIO(text), len(text))
    return report


class _Hashing:
    """Reads on, and hashes what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self.hash.update(piece)
        return piece


def _add(archive: tarfile.TarFile, name: str, source: IO[bytes], size: int) -> dict[str, Any]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    reader = _Hashing(source)
    archive.addfile(info, reader)
    return {"size": size, "sha256": reader.hash.hexdigest()}

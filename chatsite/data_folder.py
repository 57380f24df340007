"""The data folder: one server at a time on SQLite, a copy before the schema changes, static files when they
changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from . import sqlite_file

KEPT_COPIES = 3
# The number of an advisory lock: any, as long as nothing else in the database uses it.
PREPARING = 0x63686174


class Occupied(Exception):
    """Another server works on this folder."""


def prepare() -> None:
    """Makes the folder, and everything that comes into it, for its owner alone."""
    os.umask(0o077)
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)


def keep_temporary_files() -> None:
    """What is too large for this process's memory waits in the data folder: the system's own folder may be memory, too.
    Nearly all of it has no name, and goes with the process; the rest is swept.
    """
    settings.FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Bodies of requests are kept by libraries, Twisted and Django, which ask for no folder of their own.
    tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)


def lock() -> IO[str]:
    """Holds the folder while the returned file is open. Raises Occupied."""
    file = open(settings.DATA_DIR / "server.lock", "a+")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise Occupied(file.read().strip()) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


@contextmanager
def alone() -> Iterator[None]:
    """Servers that start at once on one PostgreSQL prepare it, and the folder that they may share, one after the other.

    Raises DatabaseError.
    """
    with open(settings.DATA_DIR / "prepare.lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        # Other machines have folders of their own. Beside the connection that migrates, in a transaction that ends
        # with it: behind a pooler a lock of the session could outlive this process.
        keeper = connections.create_connection("default")
        try:
            keeper.set_autocommit(False)
            with keeper.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PREPARING])
            yield
        finally:
            with suppress(DatabaseError):
                keeper.rollback()
            keeper.close()


def migrate() -> tuple[int, Path | None]:
    """Applies pending migrations. Returns how many, and where the copy of the SQLite file is that was made
    before.

    Raises RuntimeError when the database is newer than this version, and DatabaseError.
    """
    executor = MigrationExecutor(connection)
    applied, known = executor.loader.applied_migrations, executor.loader.disk_migrations
    if any(app == "conversations" and (app, name) not in known for app, name in applied):
        raise RuntimeError("The database was used by a newer version of Chatsite. Start that version again.")
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return 0, None
    copy = _copy() if applied else None
    call_command("migrate", interactive=False, verbosity=0)
    return len(plan), copy


def _copy() -> Path | None:
    if connection.vendor != "sqlite":
        return None
    folder = settings.DATA_DIR / "backups"
    folder.mkdir(exist_ok=True, mode=0o700)
    target = folder / f"db-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.sqlite3"
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        sqlite_file.copy_to(target)
    except DatabaseError:
        target.unlink()
        raise
    for old in sorted(folder.glob("db-*.sqlite3"))[:-KEPT_COPIES]:
        old.unlink()
    return target


def collect_static() -> bool:
    """Collects and compresses static files if they changed since the last time. Returns whether they did."""
    stamp = settings.STATIC_ROOT / "sources"
    current = _static_sources()
    if (
        (settings.STATIC_ROOT / "staticfiles.json").exists()
        and stamp.exists()
        and stamp.read_text() == current
    ):
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(current)
    return True


def _static_sources() -> str:
    digest = hashlib.sha256((Path(__file__).parent / "storage.py").read_bytes())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda pair: pair[0]):
            digest.update(name.encode() + b"\0" + Path(storage.path(name)).read_bytes())
    return digest.hexdigest()

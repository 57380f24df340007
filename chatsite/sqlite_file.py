"""SQLite's file and its write-ahead log, beside Django's connections. Used by `data_folder`, `start` and backups."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from django.db import connection


def copy_to(target: Path) -> None:
    """The database as it is now, what is still in its log included: in one step, writers go on beside it. Raises
    DatabaseError.
    """
    with (
        connection.wrap_database_errors,
        closing(_opened()) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def merge_log() -> None:
    """Moves what is in the log into the database, so that the one file is all there is to copy. Called when the server
    has stopped, whose threads keep their connections to the end.
    """
    # What cannot be moved now (a full disk, say) is read from the log at the next start.
    with suppress(sqlite3.Error), closing(_opened()) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _opened() -> sqlite3.Connection:
    name = str(connection.settings_dict["NAME"])
    return sqlite3.connect(name, uri=name.startswith("file:"))

"""A disk that is full, for the SQLite connection of the calling thread: no page more, and no free one in the file."""

from __future__ import annotations

from django.db import OperationalError, connection


def fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS ballast (bytes BLOB)")
        cursor.execute("SELECT page_count FROM pragma_page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        while True:
            try:
                cursor.execute("INSERT INTO ballast VALUES (zeroblob(3000))")
            except OperationalError:
                return


def make_room() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1073741823")
        cursor.execute("DROP TABLE ballast")

"""A consistent copy of a database that is being written to, and back: SQLite's online backup, PostgreSQL's COPY in one
REPEATABLE READ transaction. Used by backup and restore.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from chatsite import sqlite_file

SQLITE = "database.sqlite3"
TABLES = "tables/"
_FILES = "SELECT file, sha256 FROM conversations_storedfile WHERE complete ORDER BY id"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY id"


class Damaged(Exception):
    """A copy that a database does not accept as whole."""


@dataclass(slots=True)
class Copy:
    """`members`: name in the archive → file; `files`: (name in the storage, sha256) of what the rows refer to;
    `columns` of each table where the copy is one of tables.
    """

    members: dict[str, Path] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)
    migrations: list[list[str]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)


def take(folder: Path) -> Copy:
    """Copy the database into `folder` as it is at one moment. Raises Damaged, and DatabaseError."""
    return _take_sqlite(folder) if connection.vendor == "sqlite" else _take_tables(folder)


def check_sqlite(path: Path) -> dict[str, int]:
    """The number of rows of each table of a SQLite file. Raises Damaged when it is not whole."""
    try:
        with closing(sqlite3.connect(path)) as copy:
            found = copy.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)]:
                raise Damaged(f"SQLite finds: {found[0][0]}")
            return _count_sqlite(copy)
    except sqlite3.DatabaseError as error:
        raise Damaged(str(error)) from None


def load_tables(
    members: dict[str, Path], columns: dict[str, list[str]], migrations: list[list[str]]
) -> dict[str, int]:
    """Replace everything in this PostgreSQL database by the copied tables; the number of rows of each. The schema is
    taken to where it was; newer migrations are for the caller.
    """
    executor = MigrationExecutor(connection)
    applied = {(app, name) for app, name in migrations}
    graph = executor.loader.graph
    targets = [
        key for key in applied if not any(child.key in applied for child in graph.node_map[key].children)
    ]
    executor.migrate(targets)
    quote = connection.ops.quote_name
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(quote(table) for table in columns)} CASCADE")
        for table, names in columns.items():
            statement = f"COPY {quote(table)} ({', '.join(map(quote, names))}) FROM STDIN"
            with members[TABLES + table].open("rb") as source, cursor.copy(statement) as copy:
                while piece := source.read(1 << 20):
                    copy.write(piece)
        for table in columns:
            _reset_sequences(cursor, table)
        return {table: _count(cursor, table) for table in columns}


def _take_sqlite(folder: Path) -> Copy:
    path = folder / SQLITE
    sqlite_file.copy_to(path)
    with connection.wrap_database_errors, closing(sqlite3.connect(path)) as copy:
        # The copy is one file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        files = [(str(file), str(sha256)) for file, sha256 in copy.execute(_FILES)]
        migrations = [list(row) for row in copy.execute(_MIGRATIONS)]
    return Copy({SQLITE: path}, files, migrations, check_sqlite(path))


def _count_sqlite(copy: sqlite3.Connection) -> dict[str, int]:
    tables = copy.execute(_TABLES).fetchall()
    return {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables}


def _take_tables(folder: Path) -> Copy:
    found = Copy()
    quote = connection.ops.quote_name
    (folder / TABLES).mkdir()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        for table in sorted({*tables, "django_migrations"}):
            description = connection.introspection.get_table_description(cursor, table)
            found.columns[table] = [column.name for column in description]
            path = folder / TABLES / table
            statement = f"COPY {quote(table)} ({', '.join(map(quote, found.columns[table]))}) TO STDOUT"
            with path.open("wb") as target, cursor.copy(statement) as copy:
                for piece in copy:
                    target.write(piece)
            found.members[TABLES + table] = path
            found.rows[table] = _count(cursor, table)
        cursor.execute(_FILES)
        found.files = [(file, sha256) for file, sha256 in cursor.fetchall()]
        cursor.execute(_MIGRATIONS)
        found.migrations = [list(row) for row in cursor.fetchall()]
    return found


def _count(cursor: Any, table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
    return int(cursor.fetchone()[0])


def _reset_sequences(cursor: Any, table: str) -> None:
    """Asks the tables, not the models: those may be newer."""
    quote = connection.ops.quote_name
    for sequence in connection.introspection.get_sequences(cursor, table):
        column = quote(sequence["column"])
        cursor.execute(
            f"SELECT setval(%s, coalesce(max({column}), 1), max({column}) IS NOT NULL) FROM {quote(table)}",
            [sequence["name"]],
        )

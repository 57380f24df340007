"""Writes to many rows, each with its own values: one statement for all, which the database prepares once. Used where
answers end together: Django's `bulk_update` composes a CASE for every row and field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def update_each(rows: Iterable[Model], names: Sequence[str]) -> None:
    """Store these fields of the rows, all of one model, in the order given. Call inside a write transaction."""
    rows = list(rows)
    if rows:
        key = rows[0]._meta.pk
        fields: list[Any] = [rows[0]._meta.get_field(name) for name in names]
        changes = ", ".join(f"{_column(field)} = %s" for field in fields)
        _execute(rows, f"UPDATE {_table(rows)} SET {changes} WHERE {_column(key)} = %s", [*fields, key])


def add_each(rows: Iterable[Model], unique: str, names: Sequence[str]) -> None:
    """Insert the rows, all of one model; where there is one with the same value of the field `unique`, add the
    fields `names` to those of that row instead. Call inside a write transaction.
    """
    rows = list(rows)
    if rows:
        table = _table(rows)
        fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
        columns = ", ".join(map(_column, fields))
        values = ", ".join(["%s"] * len(fields))
        counted = [_column(rows[0]._meta.get_field(name)) for name in names]
        sums = ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in counted)
        key = _column(rows[0]._meta.get_field(unique))
        insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"
        _execute(rows, f"{insert} ON CONFLICT ({key}) DO UPDATE SET {sums}", fields)


def _table(rows: Sequence[Model]) -> str:
    return connection.ops.quote_name(rows[0]._meta.db_table)


def _column(field: Any) -> str:
    return connection.ops.quote_name(field.column)


def _execute(rows: Sequence[Model], statement: str, fields: Sequence[Any]) -> None:
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)

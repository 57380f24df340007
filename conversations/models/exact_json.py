"""JSON that comes back with its keys in the order in which they came. Used for the content of messages."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression


class ExactJSONField(models.JSONField):
    """On PostgreSQL the type `json`, which keeps the text: `jsonb` sorts the keys, and a request would no longer begin
    as the one before (messages-api 12). It cannot be compared, so no query with it may be DISTINCT.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def from_db_value(self, value: Any, expression: Expression, connection: BaseDatabaseWrapper) -> Any:
        # psycopg reads this type itself.
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if connection.vendor != "postgresql":
            return super().get_db_prep_value(value, connection, prepared)
        from psycopg.types.json import Json

        return Json(value)

"""How the database is emptied after a test that commits: what the tests wrote goes, Django's own lists of models and
permissions stay. Put in the place of Django's way by `conftest`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

# Made by migrations alone. Django empties these as well, and then makes them anew, which takes most of its time.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def install() -> None:
    TransactionTestCase._fixture_teardown = _empty


def _empty(case: Any) -> None:
    for alias in case._databases_names(include_mirrors=False):
        connection = connections[alias]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Rows and not files, as TRUNCATE does: these are few, and nobody has to let go of the table.
                cursor.execute("; ".join(["SET session_replication_role = replica", *_statements(alias)]))
                cursor.execute("SET session_replication_role = DEFAULT")
                continue
            with connection.constraint_checks_disabled(), transaction.atomic(using=alias):
                for statement in _statements(alias):
                    cursor.execute(statement)


@cache
def _statements(alias: str) -> list[str]:
    connection = connections[alias]
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [f"DELETE FROM {connection.ops.quote_name(name)}" for name in sorted(tables) if name not in KEPT]

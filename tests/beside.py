"""Two transactions side by side, which PostgreSQL lets run together and SQLite one after the other: locks alone say who
comes first. Used by tests of what several processes do to the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from conversations.actions.errors import Refused
from conversations.actions.transaction import writing
from tests import patience
from tests.world import wait_for


@contextmanager
def beside(act: Callable[[], Any], then: Callable[[], Any] = lambda: None) -> Iterator[list[Any]]:
    """`act` begins on a connection of its own while the block's transaction is open; `then` is the rest of that
    transaction, done when `act` waits for it or is over. Gives a list of one, once the block has been left: what `act`
    returned, or its refusal.
    """
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(act())
        except Refused as refused:
            results.append(refused)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with writing():
        yield results
        thread.start()
        wait_for(lambda: not thread.is_alive() or is_waiting())
        then()
    thread.join(patience.SECONDS)
    assert results


def is_waiting() -> bool:
    """Somebody waits for what this transaction holds. On SQLite every writer does, before its first question."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])

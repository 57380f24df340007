"""The one way to open a write transaction. Used by every action and by the journal (whose one statement on PostgreSQL
is a transaction by itself, and locks answers alone).

On PostgreSQL transactions run side by side. Who holds rows of several kinds takes them in one order, or two wait for
each other and one of them is ended: people, groups, providers, models, answers, conversations, files, limits, rows of
the ledger, its sums; those of one kind by their keys. A new row holds the key of what it refers to while it is
committed: rows that are not to be deleted are taken with `no_key`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model

from ..access import NotFound

# SQLite's busy handler sleeps, so the writers of one process queue here instead of inside it (reference/performance).
_writers = threading.RLock()


@contextmanager
def writing() -> Iterator[None]:
    """An atomic block. On SQLite the process's writers take turns and the lock is taken at BEGIN IMMEDIATE."""
    # Inside a transaction, of ours or of the admin, it is our turn already: whoever holds the queue's lock then may be
    # waiting for the database's, which is ours.
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with _writers, transaction.atomic():
            yield
    else:
        with transaction.atomic():
            yield


def hold(row: Model) -> None:
    """Nobody else changes or removes the row before this transaction ends. Raises NotFound when somebody has removed it
    since it was looked up: Django's `save` would put it back.
    """
    rows = row._meta.model._default_manager.select_for_update(no_key=True).filter(pk=row.pk)
    if not list(rows.values_list("pk")):
        raise NotFound

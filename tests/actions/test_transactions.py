"""Writers of one process take turns without ever waiting for each other in a circle."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from conversations.actions.transaction import writing

SECONDS = 20.0


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_a_write_in_the_middle_of_somebody_elses_transaction_waits_for_nobody() -> None:
    """As the admin's pages do it: their own transaction is open when an action begins its own."""
    waiting = threading.Event()

    def told(execute: Any, *statement: Any) -> Any:
        waiting.set()
        return execute(*statement)

    def write() -> None:
        try:
            with connection.execute_wrapper(told), writing():
                Group.objects.create(name="after")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Group.objects.create(name="before")
            other = pool.submit(write)
            assert waiting.wait(SECONDS)
            with writing():
                Group.objects.create(name="in between")
        other.result(SECONDS)
    assert Group.objects.count() == 3

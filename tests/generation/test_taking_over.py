"""Two processes at one answer: the one that works on it writes while another one ends it. Locks say who was first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from conversations.actions import answers, removal
from conversations.actions import journal as journalling
from conversations.actions.outcome import Outcome
from conversations.actions.transaction import writing
from conversations.generation import reaper
from conversations.models import Generation, GenerationEvent, GenerationStatus, UsageRecord
from tests import patience
from tests.generation.test_reaping import START, TEXT, delta, journal, live
from tests.world import Person, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

ELSEWHERE = "elsewhere/boot/1/1"
MORE = '[{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"text"},"seq":4}]'


@pytest.fixture
def generation(alice: Person) -> Generation:
    """Its process has not been heard of for a second longer than the lease."""
    found = live(alice, ELSEWHERE, lease=-1)
    journal(found, START, TEXT, delta("Some "))
    return found


@contextmanager
def beside(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """`act` begins on a connection of its own while the block's transaction is open. Its result, once the block has
    been left.
    """
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with writing():
        yield results
        thread.start()
        wait_for(lambda: not thread.is_alive() or is_waiting())
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


def flush(generation: Generation, *, renew: bool) -> journalling.Flushed:
    entry = journalling.Entry(generation.pk, 4, 4, MORE)
    return journalling.flush([entry], [generation.pk], ELSEWHERE, renew=renew)


def outcome(generation: Generation) -> Outcome:
    return Outcome(generation.pk, GenerationStatus.INTERRUPTED, 3, [{"type": "text", "text": "Some "}])


@pytest.mark.parametrize("renew", [True, False])
def test_what_is_written_while_somebody_ends_the_answer_does_not_bring_it_back(
    generation: Generation, renew: bool
) -> None:
    with beside(lambda: flush(generation, renew=renew)) as flushed:
        assert answers.finish([outcome(generation)], None)
    assert flushed[0].lost == {generation.pk}
    generation.refresh_from_db()
    assert (generation.status, generation.lease_until) == ("interrupted", None)
    assert not GenerationEvent.objects.filter(generation=generation, seq=4).exists(), "nothing behind the end"
    assert UsageRecord.objects.count() == 1


def test_an_answer_that_is_heard_of_while_the_reaper_looks_at_it_goes_on(generation: Generation) -> None:
    with beside(reaper.reap) as reaped:
        assert not flush(generation, renew=True).lost
    assert reaped == [0]
    generation.refresh_from_db()
    assert generation.status == "running"


def test_what_is_written_while_the_reaper_looks_is_part_of_what_it_keeps(generation: Generation) -> None:
    with beside(reaper.reap) as reaped:
        flush(generation, renew=False)
    assert reaped == [1]
    generation.refresh_from_db()
    assert (generation.status, generation.last_seq) == ("interrupted", 6)
    assert generation.message.content == [{"type": "text", "text": "Some text"}]


def test_what_is_written_while_its_person_is_removed_is_kept_as_well(
    generation: Generation, administrator: Person, bob: Person
) -> None:
    def remove() -> bool:
        removal.begin(administrator.user, generation.requested_by, removal.Keep.ALL, bob.user)
        return True

    with beside(remove):
        flush(generation, renew=True)
    generation.refresh_from_db()
    assert generation.status == "stopped"
    assert generation.message.content == [{"type": "text", "text": "Some text"}]

"""How answers end and what a flush finds out: compare and set, one transaction, nobody hindered by another."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.actions import answers, journal, ledger
from conversations.actions.journal import Entry
from conversations.actions.outcome import Outcome
from conversations.models import Generation, GenerationEvent, GenerationStatus, Message, UsageDay, UsageRecord
from conversations.upstream.accumulator import Accumulator
from conversations.upstream.events import MessageDelta, MessageStart
from tests.beside import beside
from tests.world import Person

pytestmark = pytest.mark.any_database

COMPLETED, STOPPED = GenerationStatus.COMPLETED, GenerationStatus.STOPPED


def outcome(sent: dict[str, Any], text: str = "Hi.", status: GenerationStatus = COMPLETED) -> Outcome:
    content = [{"type": "text", "text": text}]
    return Outcome(uuid.UUID(sent["generation"]), status, last_seq=6, content=content, model="m")


def owner_of(sent: dict[str, Any]) -> str:
    return Generation.objects.get(pk=sent["generation"]).owner


def text_of(sent: dict[str, Any]) -> str:
    return Message.objects.get(pk=sent["reply"]).text


def test_the_first_end_of_an_answer_is_the_only_one(alice: Person) -> None:
    sent = alice.start()
    assert len(answers.finish([outcome(sent)], owner_of(sent))) == 1
    assert answers.finish([outcome(sent, "Other", STOPPED)], owner_of(sent)) == []
    assert text_of(sent) == "Hi."
    assert UsageRecord.objects.count() == 1


def test_an_end_by_somebody_who_no_longer_owns_the_answer_is_not_stored(alice: Person) -> None:
    sent = alice.start()
    assert answers.finish([outcome(sent)], "another/process/1/1") == []
    assert Generation.objects.get().is_live
    assert text_of(sent) == ""


def test_content_keeps_the_order_of_its_keys_wherever_it_is_stored(alice: Person) -> None:
    """A request begins as the one before did, and `input` is read in its order (messages-api 4.6, 12)."""
    call = {
        "type": "tool_use",
        "name": "n",
        "id": "t",
        "input": {"zz": 1, "b": {"y": [], "a": "\\u0000"}, "aa": 2},
    }
    sent = alice.start()
    ended = outcome(sent)
    ended.content = [{"type": "text", "text": "Hi."}, call]
    assert answers.finish([ended], owner_of(sent))

    reply = Message.objects.get(pk=sent["reply"])
    Message.objects.bulk_create([Message(conversation=reply.conversation, role="user", content=[call])])
    reply.save()
    asked, answered, copied = Message.objects.order_by("created_at")
    assert json.dumps(asked.content) == '[{"type": "text", "text": "Hello"}]'
    assert json.dumps(answered.content) == json.dumps(ended.content)
    assert json.dumps(copied.content) == json.dumps([call])


def test_an_answer_is_stored_however_long_its_names_are_and_however_far_the_clock_jumped(
    alice: Person,
) -> None:
    said = Accumulator()
    said.apply(MessageStart({"id": "i" * 500, "model": "m" * 500}))
    said.apply(MessageDelta({"stop_reason": "r" * 500, "stop_sequence": "s" * 500}))
    sent = alice.start()
    Generation.objects.update(created_at=timezone.now() - timedelta(days=10_000))
    ended = outcome(sent)
    ended.take(said)
    ended.first_token_at = timezone.now()
    assert answers.finish([ended], owner_of(sent))
    # SQLite would store more.
    reply, row = Message.objects.get(pk=sent["reply"]), UsageRecord.objects.get()
    assert (len(reply.stop_reason), len(reply.model), len(row.model)) == (60, 200, 200)
    assert row.duration_ms == row.first_token_ms == 2**31 - 1


def test_several_ends_share_a_transaction_and_one_that_cannot_be_stored_hinders_no_other(
    alice: Person,
) -> None:
    good, bad, other = alice.start(), alice.start(), alice.start()
    broken = outcome(bad)
    broken.last_seq = -1
    stored = answers.finish([outcome(good), broken, outcome(other)], owner_of(good))
    assert {str(one.generation) for one in stored} == {good["generation"], other["generation"]}
    assert (text_of(good), text_of(bad), text_of(other)) == ("Hi.", "", "Hi.")
    assert Generation.objects.get(pk=bad["generation"]).is_live


def test_answers_that_end_together_each_keep_their_own(alice: Person) -> None:
    sent = [alice.start() for _ in range(3)]
    ends = [outcome(one, f"Text {number}") for number, one in enumerate(sent)]
    ends[0].usage, ends[0].html = {"input_tokens": 3}, [{"html": "<p>"}]
    ends[1].status, ends[1].error = (
        GenerationStatus.INTERRUPTED,
        {"type": "service", "message": "Broken off."},
    )
    ends[2].stop_details, ends[2].last_seq = {"why": ["é", "\u2028"]}, 9
    assert answers.finish(ends, None) == ends
    rows = [Message.objects.select_related("generation").get(pk=one["reply"]) for one in sent]
    assert [row.text for row in rows] == ["Text 0", "Text 1", "Text 2"]
    assert [row.usage for row in rows] == [{"input_tokens": 3}, None, None]
    assert [row.html for row in rows] == [[{"html": "<p>"}], None, None]
    assert (
        [row.error for row in rows] == [row.generation.error for row in rows] == [None, ends[1].error, None]
    )
    assert [row.status for row in rows] == [COMPLETED, GenerationStatus.INTERRUPTED, COMPLETED]
    assert rows[2].stop_details == {"why": ["é", "\u2028"]}
    assert [row.generation.last_seq for row in rows] == [6, 6, 9]
    assert all(row.finished_at == row.generation.finished_at is not None for row in rows)
    # What is unknown is no value of the database, not the JSON word null.
    assert Message.objects.filter(pk__in=[one["reply"] for one in sent], usage__isnull=True).count() == 2


@pytest.mark.parametrize("count", [1, 20])
def test_ends_cost_the_same_number_of_queries_for_one_answer_and_for_twenty(
    alice: Person, django_assert_num_queries: Any, settings: Any, count: int
) -> None:
    settings.REDIS_URL = ""
    ends = [outcome(alice.start()) for _ in range(count)]
    with django_assert_num_queries(13):
        # Savepoint, the answers, their three tables, the journal, what else runs there, who hears of it, the ledger and
        # its three sums, release.
        answers.finish(ends, None)


def test_the_end_takes_the_journal_of_this_answer_and_no_other(alice: Person, settings: Any) -> None:
    settings.REDIS_URL = ""  # with other processes the rows stay a while, for their readers
    sent, other = alice.start(), alice.start()
    for one in (sent, other):
        GenerationEvent.objects.create(generation_id=one["generation"], first_seq=1, seq=1, events="[]")
    answers.finish([outcome(sent)], None)
    assert [str(row.generation_id) for row in GenerationEvent.objects.all()] == [other["generation"]]


def test_a_stop_is_left_for_a_running_answer_alone(alice: Person) -> None:
    running, ended = alice.start(), alice.start()
    answers.finish([outcome(ended)], None)
    for sent in (running, ended):
        answers.request_stop(Generation.objects.get(pk=sent["generation"]))
    flags = dict(Generation.objects.values_list("pk", "stop_requested"))
    assert flags == {uuid.UUID(running["generation"]): True, uuid.UUID(ended["generation"]): False}


# Tries that failed before the one that ended.


def booked(sent: dict[str, Any]) -> list[tuple[int, str, str]]:
    rows = UsageRecord.objects.filter(generation=sent["generation"]).order_by("attempt", "pk")
    return list(rows.values_list("attempt", "status", "error_type"))


def fail(sent: dict[str, Any], *error_types: str) -> bool:
    return ledger.book_failed_tries(uuid.UUID(sent["generation"]), owner_of(sent), list(error_types))


def test_a_failed_try_that_was_booked_is_not_booked_again_and_one_that_was_not_is(alice: Person) -> None:
    sent = alice.start()
    assert fail(sent, "service")
    ended = outcome(sent)
    ended.failed_attempts = ["service", "busy"]
    assert answers.finish([ended], owner_of(sent)) == [ended]
    assert booked(sent) == [(1, "failed", "service"), (2, "failed", "busy"), (3, "completed", "")]


def test_a_try_that_could_not_be_booked_is_booked_with_the_next_one(alice: Person) -> None:
    sent = alice.start()
    assert fail(sent, "service", "busy")
    assert fail(sent, "service", "busy")
    assert booked(sent) == [(1, "failed", "service"), (2, "failed", "busy")]


def test_each_failed_try_is_in_the_sums_once(alice: Person) -> None:
    sent = alice.start()
    fail(sent, "busy")
    ended = outcome(sent)
    ended.failed_attempts = ["busy"]
    answers.finish([ended], None)
    assert sum(UsageDay.objects.values_list("calls", flat=True)) == len(booked(sent)) == 2


def test_nothing_is_booked_for_an_answer_that_somebody_else_has_ended_or_taken(alice: Person) -> None:
    ended, taken = alice.start(), alice.start()
    mine = owner_of(ended)
    answers.finish([outcome(ended)], None)
    Generation.objects.filter(pk=taken["generation"]).update(owner="another/process/1/1")
    for sent in (ended, taken):
        assert not ledger.book_failed_tries(uuid.UUID(sent["generation"]), mine, ["busy"])
    assert booked(ended) == [(1, "completed", "")]
    assert booked(taken) == []


def test_an_answer_without_failed_tries_asks_the_ledger_nothing_when_it_ends(alice: Person) -> None:
    sent = alice.start()
    with CaptureQueriesContext(connection) as asked:
        answers.finish([outcome(sent)], owner_of(sent))
    assert not [q["sql"] for q in asked if q["sql"].startswith("SELECT") and "usagerecord" in q["sql"]]


# The journal.


def entry(sent: dict[str, Any], first: int, last: int) -> Entry:
    return Entry(uuid.UUID(sent["generation"]), first, last, "[]")


def test_a_flush_writes_what_is_ours_and_names_what_is_lost_or_to_be_stopped(alice: Person) -> None:
    mine, stopped, ended, taken = (alice.start() for _ in range(4))
    answers.request_stop(Generation.objects.get(pk=stopped["generation"]))
    answers.finish([outcome(ended)], None)
    Generation.objects.filter(pk=taken["generation"]).update(owner="another/process/1/1")
    everyone = (mine, stopped, ended, taken)
    running = [uuid.UUID(sent["generation"]) for sent in everyone]
    found = journal.flush([entry(sent, 1, 3) for sent in everyone], running, owner_of(mine), renew=True)
    assert found.stop_requested == {uuid.UUID(stopped["generation"])}
    assert found.lost == {uuid.UUID(ended["generation"]), uuid.UUID(taken["generation"])}
    written = {str(row.generation_id) for row in GenerationEvent.objects.all()}
    assert written == {mine["generation"], stopped["generation"]}


def test_a_flush_renews_the_lease_and_calls_the_answer_running(alice: Person) -> None:
    sent = alice.start()
    Generation.objects.update(lease_until=timezone.now())
    journal.flush([], [uuid.UUID(sent["generation"])], owner_of(sent), renew=True)
    generation = Generation.objects.get()
    assert generation.status == GenerationStatus.RUNNING
    assert generation.lease_until is not None
    assert generation.lease_until > timezone.now()


def test_a_flush_takes_the_leases_of_new_answers_further_also_when_it_renews_no_other(alice: Person) -> None:
    new, old = alice.start(), alice.start()
    running = [uuid.UUID(new["generation"]), uuid.UUID(old["generation"])]
    before = timezone.now()
    Generation.objects.update(lease_until=before)
    Generation.objects.filter(pk=old["generation"]).update(status=GenerationStatus.RUNNING)
    journal.flush([], running, owner_of(new), renew=False)
    found = {str(row.pk): row for row in Generation.objects.all()}
    assert found[new["generation"]].status == GenerationStatus.RUNNING
    assert found[new["generation"]].lease_until > before
    assert found[old["generation"]].lease_until == before


def test_the_journal_keeps_every_character(alice: Person) -> None:
    sent = alice.start()
    events = json.dumps(
        ["\0", "\\", '"', "'", "%s %(owner)s {} $1", "\ud83d\ude00 \u2028", "{a,b}", "\n\r\t"]
    )
    for number, text in enumerate((events, json.dumps(json.loads(events), ensure_ascii=False)), 1):
        row = Entry(uuid.UUID(sent["generation"]), number, number, text)
        journal.flush([row], [row.generation], owner_of(sent), renew=False)
        assert GenerationEvent.objects.get(seq=number).events == text


@pytest.mark.django_db(transaction=True)
def test_a_flush_that_waits_for_an_end_writes_nothing_after_it(alice: Person) -> None:
    sent = alice.start()
    running, owner = [uuid.UUID(sent["generation"])], owner_of(sent)
    with beside(lambda: journal.flush([entry(sent, 1, 2)], running, owner, renew=True)) as results:
        answers.finish([outcome(sent)], owner)
    assert results == [journal.Flushed(set(), set(running))]
    assert not GenerationEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_flush_that_waits_for_a_stop_tells_of_it(alice: Person) -> None:
    sent = alice.start()
    running, owner = [uuid.UUID(sent["generation"])], owner_of(sent)
    with beside(lambda: journal.flush([entry(sent, 1, 2)], running, owner, renew=True)) as results:
        answers.request_stop(Generation.objects.get())
    assert results == [journal.Flushed(set(running), set())]
    assert GenerationEvent.objects.get().seq == 2


def test_a_flush_that_comes_through_late_is_not_there_twice(alice: Person) -> None:
    sent = alice.start()
    running = [uuid.UUID(sent["generation"])]
    journal.flush([entry(sent, 1, 2)], running, owner_of(sent), renew=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        journal.flush([entry(sent, 1, 3)], running, owner_of(sent), renew=False)
    assert GenerationEvent.objects.get().seq == 2


def test_the_journal_tells_where_it_ends(alice: Person) -> None:
    sent, other, silent = (alice.start() for _ in range(3))
    owner = owner_of(sent)
    running = [uuid.UUID(one["generation"]) for one in (sent, other, silent)]
    journal.flush([entry(sent, 1, 3), entry(other, 1, 9)], running, owner, renew=False)
    journal.flush([entry(sent, 4, 7)], running, owner, renew=False)
    assert journal.ends(running) == {running[0]: 7, running[1]: 9}
    assert journal.ends([]) == {}


@pytest.mark.parametrize("count", [1, 20])
def test_a_flush_costs_the_same_number_of_queries_for_one_answer_and_for_twenty(
    alice: Person, django_assert_num_queries: Any, count: int
) -> None:
    sent = [alice.start() for _ in range(count)]
    running = [uuid.UUID(one["generation"]) for one in sent]
    owner = owner_of(sent[0])
    # Savepoint, whose they are, leases, rows, release; or all in one.
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 5):
        journal.flush([entry(one, 1, 2) for one in sent], running, owner, renew=True)

"""Answers whose process is gone: who takes them over, when, and what of them is kept."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from conversations.actions import answers, ledger
from conversations.actions.journal import flush
from conversations.actions.outcome import Outcome
from conversations.generation import journal as journalling
from conversations.generation import owner, reaper
from conversations.models import (
    Conversation,
    Generation,
    GenerationEvent,
    GenerationStatus,
    Message,
    UsageRecord,
)
from tests import patience
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang, Reply, Sleep, Step
from tests.reading import ReadingClient
from tests.world import Person, World

pytestmark = pytest.mark.any_database

START = {"type": "message_start", "model": "claude-opus-4-5", "usage": {"input_tokens": 25}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def dead_owner() -> str:
    """The identity of a process of this machine that has ended."""
    process = subprocess.Popen(["true"])
    machine, boot, _, _ = owner.identity().split("/")
    process.wait()
    return f"{machine}/{boot}/{process.pid}/1"


def live(
    person: Person, by: str, lease: float = 60, conversation: Conversation | None = None, **fields: Any
) -> Generation:
    """An answer that the database calls running; its lease ends in `lease` seconds."""
    conversation = conversation or Conversation.objects.create(owner=person.user, title="x")
    question = Message.objects.create(conversation=conversation, role="user", author=person.user)
    message = Message.objects.create(
        conversation=conversation, parent=question, role="assistant", status="running"
    )
    conversation.current_leaf = message
    conversation.save()
    return Generation.objects.create(
        conversation=conversation, message=message, requested_by=person.user, client_id=uuid.uuid4(),
        model="claude-opus-4-5", status="running", owner=by,
        lease_until=timezone.now() + timedelta(seconds=lease), **fields,
    )  # fmt: skip


def journal(generation: Generation, *events: dict[str, Any]) -> None:
    rows = [{**event, "seq": seq} for seq, event in enumerate(events, 1)]
    GenerationEvent.objects.create(generation=generation, first_seq=1, seq=len(rows), events=json.dumps(rows))


def reaped(generation: Generation) -> Generation:
    reaper.reap()
    return Generation.objects.select_related("message").get(pk=generation.pk)


def test_what_was_journalled_is_kept_and_reads_as_interrupted(alice: Person, settings: Any) -> None:
    settings.REDIS_URL = ""  # with other processes the rows stay a while, for their readers
    generation = live(alice, dead_owner())
    journal(generation, START, TEXT, delta("Some "), delta("text"))
    found = reaped(generation)
    assert (found.status, found.message.status) == ("interrupted", "interrupted")
    assert found.message.content == [{"type": "text", "text": "Some text"}]
    assert found.error == found.message.error
    assert found.error is not None
    assert found.error["type"] == "restart"
    assert (found.last_seq, found.lease_until) == (6, None)
    assert not GenerationEvent.objects.exists()
    row = UsageRecord.objects.get()
    assert (row.status, row.cost_microdollars) == ("interrupted", None)


def test_why_the_upstream_ended_an_answer_outlives_a_crash_before_it_was_stored(alice: Person) -> None:
    generation = live(alice, dead_owner())
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    end = {"stop_reason": "refusal", "stop_sequence": "END", "stop_details": details}
    stop: dict[str, Any] = {"type": "content_block_stop", "index": 0}
    journal(
        generation, START, TEXT, delta("Some text"), stop,
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 3}},
    )  # fmt: skip
    message = reaped(generation).message
    assert (message.stop_reason, message.stop_sequence, message.stop_details) == ("refusal", "END", details)


def test_tries_that_failed_before_a_crash_are_in_the_ledger_once(alice: Person) -> None:
    by = dead_owner()
    generation = live(alice, by)
    for tries in (["service"], ["service", "busy"]):
        assert ledger.book_failed_tries(generation.pk, by, tries)
    assert reaped(generation).status == "interrupted"
    rows = UsageRecord.objects.order_by("attempt", "pk").values_list("attempt", "status", "error_type")
    assert list(rows) == [(1, "failed", "service"), (2, "failed", "busy"), (3, "interrupted", "restart")]


def test_a_dead_process_of_this_machine_is_known_at_once_whatever_its_lease(alice: Person) -> None:
    assert reaped(live(alice, dead_owner(), lease=600)).status == "interrupted"


def test_a_process_number_that_came_back_is_another_process(alice: Person) -> None:
    machine, boot, _, _ = owner.identity().split("/")
    assert reaped(live(alice, f"{machine}/{boot}/{os.getppid()}/1")).status == "interrupted"


def test_a_process_from_before_the_machine_started_is_gone(alice: Person) -> None:
    machine, _, pid, started = owner.identity().split("/")
    assert reaped(live(alice, f"{machine}/another-boot/{pid}/{started}")).status == "interrupted"


def test_another_machine_has_until_its_lease_runs_out(alice: Person) -> None:
    generation = live(alice, "elsewhere/boot/1/1", lease=60)
    assert reaped(generation).status == "running"
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert reaped(generation).status == "interrupted"


def test_machines_whose_clocks_differ_leave_each_other_their_answers(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now

    def set_clock(hours: int) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=hours))

    set_clock(-1)
    generation = Generation.objects.get(pk=alice.start()["generation"])
    Generation.objects.update(owner="elsewhere/boot/1/1")
    set_clock(0)
    assert reaped(generation).status == "queued"
    set_clock(-1)
    flush([], [generation.pk], "elsewhere/boot/1/1", renew=True)
    set_clock(1)
    assert reaped(generation).status == "running"


def test_a_running_process_of_this_machine_keeps_its_answer(alice: Person) -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        machine, boot, _, _ = owner.identity().split("/")
        generation = live(alice, f"{machine}/{boot}/{process.pid}/{owner._started(process.pid)}")
        assert reaped(generation).status == "running"
    finally:
        process.kill()
        process.wait()


def test_an_answer_of_this_process_that_nobody_works_on_is_ended_when_its_lease_runs_out(
    alice: Person,
) -> None:
    """Its end could not be stored, say: it must not stay running until the server is restarted."""
    generation = live(alice, owner.identity(), lease=60)
    assert reaped(generation).status == "running"
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert reaped(generation).status == "interrupted"


def test_an_answer_that_was_to_be_stopped_reads_as_stopped(alice: Person) -> None:
    generation = live(alice, dead_owner(), stop_requested=True)
    journal(generation, START, TEXT, delta("Some"))
    found = reaped(generation)
    assert (found.status, found.error, found.message.text) == ("stopped", None, "Some")


def test_an_answer_of_which_nothing_was_journalled_is_empty_and_can_be_asked_again(alice: Person) -> None:
    generation = live(alice, dead_owner())
    found = reaped(generation)
    assert (found.status, found.message.content) == ("interrupted", [])
    path = f"/conversations/{found.conversation_id}/messages/{found.message_id}/regenerate/"
    assert alice.post(path).status_code == 201


def test_half_a_tool_call_is_not_kept(alice: Person) -> None:
    generation = live(alice, dead_owner())
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    half = {"type": "input_json_delta", "partial_json": '{"a": '}
    journal(
        generation, START, TEXT, delta("I look."), {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": call},
        {"type": "content_block_delta", "index": 1, "delta": half},
    )  # fmt: skip
    assert reaped(generation).message.content == [{"type": "text", "text": "I look."}]


def test_a_journal_that_makes_no_sense_hinders_no_other(alice: Person) -> None:
    broken = live(alice, dead_owner())
    journal(broken, START, delta("no block is open"))
    odd = live(alice, dead_owner())
    GenerationEvent.objects.create(
        generation=odd, first_seq=1, seq=1, events='[{"type": "surprise", "seq": 1}]'
    )
    torn = live(alice, dead_owner())
    GenerationEvent.objects.create(generation=torn, first_seq=1, seq=1, events='[{"type": "mess')
    good = live(alice, dead_owner())
    journal(good, START, TEXT, delta("good"))
    assert reaped(good).message.text == "good"
    assert not Generation.objects.live().exists()


def test_a_journal_that_cannot_be_read_now_is_not_taken_for_an_empty_one(alice: Person) -> None:
    generation = live(alice, dead_owner())
    journal(generation, START, TEXT, delta("Some text"))

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        if "SELECT" in sql and "generationevent" in sql:
            raise OperationalError("disk I/O error")
        return execute(sql, *rest)

    with connection.execute_wrapper(away):
        assert reaped(generation).status == "running"
    assert reaped(generation).message.text == "Some text"


def test_an_answer_that_has_ended_meanwhile_is_left_as_it_is(alice: Person) -> None:
    generation = live(alice, dead_owner())
    Generation.objects.update(status="completed")
    assert reaped(generation).status == "completed"


def test_reaping_twice_changes_nothing_more(alice: Person) -> None:
    generation = live(alice, dead_owner())
    journal(generation, START, TEXT, delta("x"))
    first = reaped(generation)
    second = reaped(generation)
    assert first.finished_at == second.finished_at
    assert UsageRecord.objects.count() == 1


@pytest.mark.parametrize("rows", [0, 1])
def test_pages_of_the_process_that_takes_over_are_told(world: World, rows: int) -> None:
    conversation = Conversation.objects.create(owner=world.alice.user, title="x")
    generation = live(world.alice, "elsewhere/boot/1/1", conversation=conversation)
    if rows:
        journal(generation, START, TEXT, delta("Some text"))
    page = world.socket(world.alice, str(conversation.pk))
    assert page.frame()["running"][0]["generation"] == str(generation.pk)
    page.resume(str(generation.pk), 0)
    frames = page.until("content_block_delta") if rows else []
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    reaper.reap()
    frames += page.until("message_stop")
    seen = [frame for frame in frames if frame.get("generation") == str(generation.pk)]
    client = ReadingClient().apply_all(seen)
    assert client.text == ("Some text" if rows else "")
    assert client.stop is not None
    assert (client.stop["status"], client.stops) == ("interrupted", 1)
    assert (seen[0]["type"], seen[0]["seq"]) == ("message_start", 1)
    generation.refresh_from_db()
    assert client.stop["seq"] == generation.last_seq, "as whoever comes later is told"


def test_an_answer_that_another_process_has_ended_shows_what_is_stored_and_nothing_later(
    world: World,
) -> None:
    """This process stood still for longer than its lease, and somebody took its answer over."""
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    frames = page.until("content_block_delta")
    stored = Outcome(
        uuid.UUID(sent["generation"]), GenerationStatus.INTERRUPTED, 3, [{"type": "text", "text": "Some"}],
        error={"type": "restart", "message": "Taken over."},
    )  # fmt: skip
    assert answers.finish([stored], None)
    frames += page.until("message_stop")
    client = ReadingClient().apply_all([f for f in frames if f.get("generation") == sent["generation"]])
    assert client.content == world.alice.messages(sent["conversation"])[-1]["content"] == stored.content
    assert client.stop is not None
    assert (client.stop["status"], client.stop["error"], client.stops) == ("interrupted", stored.error, 1)
    assert world.upstream.calls[0].closed.wait(patience.SECONDS), "the upstream is let go"
    assert UsageRecord.objects.filter(generation=sent["generation"]).count() == 1


def test_an_answer_that_another_process_has_ended_is_not_asked_for_again(
    quick: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The journal would notice by itself, only later.
    monkeypatch.setattr(journalling, "_POLL_SECONDS", 60)
    quick.JOURNAL_INTERVAL = 60
    busy: Step = Reply(529, wire.error_body("overloaded_error", "Busy"))
    world.upstream.script(Sleep(0.2), busy)
    sent = world.alice.start()
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    stored = Outcome(
        uuid.UUID(sent["generation"]), GenerationStatus.INTERRUPTED, 2, [],
        error={"type": "restart", "message": "Taken over."},
    )  # fmt: skip
    assert answers.finish([stored], None)
    assert page.next("message_stop")["status"] == "interrupted"
    assert len(world.asked()) == 1
    assert list(UsageRecord.objects.values_list("attempt", "status")) == [(1, "interrupted")]


def test_a_long_standstill_of_this_process_costs_its_own_answers_nothing(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    reaper.reap(running={uuid.UUID(sent["generation"])})
    assert Generation.objects.get().is_live

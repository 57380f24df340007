"""The journal: what a running answer has received is in the database soon, whatever the database does meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.utils import timezone

from conversations.actions import answers, journal
from conversations.live import replay
from conversations.live.hub import hub
from conversations.models import Generation, GenerationEvent, Provider
from tests import full_disk, patience
from tests.clients import Frame
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang, Sleep
from tests.reading import ReadingClient
from tests.world import World, wait_for

pytestmark = pytest.mark.any_database

PIECES = [f"{number} " for number in range(60)]
WHOLE = "".join(PIECES)


def slowly(world: World, seconds: float = 0.02, *, then: Any = ()) -> dict[str, Any]:
    """An answer of PIECES with a pause before each."""
    steps: list[Any] = [wire.message_start(), wire.block_start()]
    for piece in PIECES:
        steps += [Sleep(seconds), wire.text_delta(piece)]
    world.upstream.script(*steps, *(then or (wire.block_stop(), wire.message_end())))
    return world.alice.start()


def some_text(world: World) -> dict[str, Any]:
    """An answer that has said so much, which a page has seen, and stays open."""
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    page.next("content_block_delta")
    return sent


def follow(world: World, sent: dict[str, Any]) -> list[Frame]:
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    return [f for f in page.until("message_stop") if f.get("generation") == sent["generation"]]


def journalled(sent: dict[str, Any]) -> str:
    content = replay.journalled_content(Generation.objects.get(pk=sent["generation"]))
    return "".join(block["text"] for block in content)


@contextmanager
def locked_database() -> Iterator[None]:
    """Another program writes for a long time (a backup, say)."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="one writer at a time")


def test_a_running_answer_is_in_the_database_while_it_runs(world: World) -> None:
    sent = some_text(world)
    wait_for(lambda: journalled(sent) == "Some text")
    assert world.alice.messages(sent["conversation"])[-1]["content"] == [
        {"type": "text", "text": "Some text"}
    ]
    assert world.alice.messages(sent["conversation"])[-1]["status"] == "running"


def test_the_journal_grows_with_the_answer_and_goes_with_its_end(world: World, settings: Any) -> None:
    settings.REDIS_URL = ""  # with other processes the rows stay a while, for their readers
    sent = slowly(world)
    rows = set()
    wait_for(lambda: rows.add(GenerationEvent.objects.count()) or len(rows) > 4)  # type: ignore[func-returns-value]
    before = journalled(sent)
    assert WHOLE.startswith(before)
    frames = follow(world, sent)
    assert ReadingClient().apply_all(frames).text == WHOLE
    assert not GenerationEvent.objects.exists()


def test_many_answers_share_a_commit(world: World) -> None:
    """Group commit: the number of flushes does not grow with the number of answers."""
    sent = [slowly(world) for _ in range(8)]
    for one in sent:
        assert ReadingClient().apply_all(follow(world, one)).text == WHOLE


@needs_sqlite
def test_a_database_that_is_locked_holds_up_neither_the_page_nor_the_end(world: World) -> None:
    sent = slowly(world)
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    client = ReadingClient()
    while client.text.count(" ") < 5:
        client.apply(page.frame())
    with locked_database():
        while client.text.count(" ") < 55:
            client.apply(page.frame())
    while client.stop is None:
        client.apply(page.frame())
    assert client.text == WHOLE
    assert (client.stop["status"], client.stops) == ("completed", 1)
    assert world.alice.messages(sent["conversation"])[-1]["content"][0]["text"] == WHOLE


@needs_sqlite
def test_a_disk_that_is_full_costs_nothing_that_was_shown(world: World) -> None:
    """What cannot be written stays in memory and is written when there is room again."""
    sent = slowly(world, then=(wire.block_stop(), wire.message_end()))
    wait_for(lambda: GenerationEvent.objects.exists())
    in_the_journals_thread(world, full_disk.fill)
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    client = ReadingClient()
    while client.text != WHOLE:
        client.apply(page.frame())
    assert Generation.objects.get().is_live
    in_the_journals_thread(world, full_disk.make_room)
    while client.stop is None:
        client.apply(page.frame())
    assert client.stop["status"] == "completed"
    assert world.alice.messages(sent["conversation"])[-1]["content"][0]["text"] == WHOLE


def in_the_journals_thread(world: World, act: Callable[[], None]) -> None:
    from conversations.generation.supervisor import supervisor

    assert supervisor._journal is not None
    thread = supervisor._journal._thread
    done: Future[None] = Future()
    thread.start(lambda: done.set_result(thread.call(act)))
    done.result(10)


def test_an_end_that_cannot_be_stored_at_once_hinders_no_running_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same flush has written another answer's events: they must not be written twice."""
    finish, failures = answers.finish, iter([True, True])

    def away(*arguments: Any) -> Any:
        if next(failures, False):
            raise OperationalError("the database is away")
        return finish(*arguments)

    running = slowly(world)
    wait_for(lambda: GenerationEvent.objects.exists())
    monkeypatch.setattr(answers, "finish", away)
    world.upstream.script(*wire.text_answer("Short."))
    short = world.alice.start()
    assert follow(world, short)[-1]["status"] == "completed"
    kept = journalled(running)
    assert WHOLE.startswith(kept), "no piece twice"
    assert ReadingClient().apply_all(follow(world, running)).text == WHOLE
    assert world.alice.messages(running["conversation"])[-1]["content"][0]["text"] == WHOLE


def test_a_commit_that_was_lost_from_sight_is_not_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke after the commit: nobody knows whether the rows are there. They are."""
    flush, failures = journal.flush, iter([False, False, True])

    def torn(*arguments: Any, **options: Any) -> Any:
        result = flush(*arguments, **options)
        if next(failures, False):
            raise OperationalError("server closed the connection unexpectedly")
        return result

    monkeypatch.setattr(journal, "flush", torn)
    sent = slowly(world, then=[Hang()])
    wait_for(lambda: journalled(sent) == WHOLE)
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    assert ReadingClient().apply_all(follow(world, sent)).text == WHOLE


def test_a_stop_flag_of_another_process_is_seen(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    wait_for(lambda: journalled(sent) == "Some text")
    answers.request_stop(Generation.objects.get())
    assert world.upstream.calls[0].closed.wait(patience.SECONDS)
    assert world.ended(sent).status == "stopped"


def test_the_journal_does_not_wait_for_a_busy_event_loop(world: World, settings: Any) -> None:
    settings.JOURNAL_INTERVAL = 0.5
    sent = some_text(world)
    go = threading.Event()
    hub.call(go.wait, 2 * patience.SECONDS)
    try:
        wait_for(lambda: journalled(sent) == "Some text")
    finally:
        go.set()


def test_the_journal_recovers_from_a_connection_that_could_not_be_opened(world: World) -> None:
    failed: list[str] = []

    def out_of_descriptors(**_: Any) -> None:
        name = threading.current_thread().name
        if name.startswith("journal") and not failed:
            failed.append(name)
            raise OperationalError("unable to open database file")

    connection_created.connect(out_of_descriptors)
    try:
        world.upstream.script(*wire.text_answer("Short."))
        sent = world.alice.start()
        assert follow(world, sent)[-1]["status"] == "completed"
    finally:
        connection_created.disconnect(out_of_descriptors)
    assert failed


def test_an_end_that_the_database_refuses_leaves_all_that_was_shown(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOURNAL_INTERVAL = 60
    settings.REDIS_URL = ""
    monkeypatch.setattr(answers, "finish", lambda *_: [])
    world.upstream.script(*wire.text_answer("Short."))
    sent = world.alice.start()
    wait_for(lambda: journalled(sent) == "Short.")


def test_an_answer_that_could_neither_be_begun_nor_ended_is_not_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversations.generation.supervisor import supervisor

    def away(*_: Any) -> None:
        raise OperationalError("the database is away")

    Provider.objects.update(base_url="no address")
    monkeypatch.setattr(answers, "finish", away)
    fields = {"text": "Hello", "client_id": "00000000-0000-4000-8000-000000000001"}
    assert world.alice.post("/conversations/", fields).status_code == 503
    journal = supervisor._journal
    assert journal is not None
    wait_for(lambda: not journal.at_work_on)


def test_an_event_loop_that_stands_still_gives_its_answers_up(world: World, settings: Any) -> None:
    settings.LEASE_SECONDS = 1
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    wait_for(lambda: journalled(sent) == "Some text")

    def is_leased() -> bool:
        end = Generation.objects.get(pk=sent["generation"]).lease_until
        return end is not None and end > timezone.now()

    go = threading.Event()
    hub.call(go.wait, 2 * patience.SECONDS)
    try:
        wait_for(lambda: not is_leased())
    finally:
        go.set()
    wait_for(is_leased)


def test_the_lease_of_a_running_answer_is_renewed(world: World, settings: Any) -> None:
    settings.LEASE_SECONDS = 1
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    world.alice.start()
    wait_for(lambda: Generation.objects.get().status == "running")
    first = Generation.objects.get().lease_until
    wait_for(lambda: Generation.objects.get().lease_until != first)


def test_an_answer_that_begins_while_others_are_written_is_called_running_at_once(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEASE_SECONDS = 600  # renewed every two minutes
    flush, written, go = journal.flush, threading.Event(), threading.Event()

    def slow(*arguments: Any, **options: Any) -> Any:
        result = flush(*arguments, **options)
        if options["renew"] and not written.is_set():
            written.set()
            assert go.wait(patience.SECONDS)
        return result

    monkeypatch.setattr(journal, "flush", slow)
    for _ in range(2):
        world.upstream.script(wire.message_start(), wire.block_start(), Hang())
    world.alice.start()
    assert written.wait(patience.SECONDS)
    late = world.alice.start()
    wait_for(lambda: len(world.upstream.calls) == 2)
    go.set()
    wait_for(lambda: Generation.objects.get(pk=late["generation"]).status == "running")

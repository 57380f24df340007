"""Answers that another process works on reach the pages of this one from the journal, as rings announce them."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from conversations.actions import answers, journal
from conversations.actions.outcome import Outcome
from conversations.live import journal_reader, news
from conversations.models import Conversation, Generation, Message
from tests import patience
from tests.clients import Frame, Socket
from tests.reading import ReadingClient
from tests.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

OTHER = "another process"
START = {"type": "message_start", "model": "claude", "usage": {}}
OPEN = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


class Elsewhere:
    """An answer of another process: what it journals, and its rings."""

    def __init__(self, world: World) -> None:
        sent, _ = world.answer()
        self.conversation = Conversation.objects.get(pk=sent["conversation"])
        before = Generation.objects.get(pk=sent["generation"])
        self.message = Message.objects.create(
            conversation=self.conversation, parent=before.message, role="assistant", status="running"
        )
        self.generation = Generation.objects.create(
            conversation=self.conversation,
            message=self.message,
            requested_by=before.requested_by,
            client_id=uuid.uuid4(),
            language_model=before.language_model,
            model=before.model,
            status="running",
            owner=OTHER,
            lease_until=timezone.now() + timedelta(hours=1),
        )
        self._seq = 0

    def journal(self, *bodies: dict[str, Any]) -> None:
        first = self._seq + 1
        numbered = [{**body, "seq": first + place} for place, body in enumerate(bodies)]
        self._seq += len(bodies)
        entry = journal.Entry(self.generation.pk, first, self._seq, json.dumps(numbered))
        assert not journal.flush([entry], [self.generation.pk], OTHER, renew=False).lost

    def end(self, text: str) -> None:
        outcome = Outcome(
            self.generation.pk, status="completed", last_seq=self._seq + 1, stop_reason="end_turn",
            content=[{"type": "text", "text": text}], usage={}, usage_is_final=True, model="claude",
        )  # fmt: skip
        assert answers.finish([outcome], OTHER)

    def ring(self) -> None:
        ids = (self.generation.pk, self.message.pk, self.conversation.pk)
        news.heard([{"answers": [[str(id) for id in ids]]}])

    def ring_status(self, status: dict[str, Any]) -> None:
        ids = (self.generation.pk, self.message.pk, self.conversation.pk)
        news.heard([{"status": status, "answer": [str(id) for id in ids], "seq": self._seq}])

    def page(self, world: World) -> Socket:
        page = world.socket(world.alice, str(self.conversation.pk))
        page.frame()
        return page

    def frame(self, page: Socket) -> Frame:
        """The next numbered frame of this answer."""
        while True:
            frame = page.frame()
            if frame.get("generation") == str(self.generation.pk) and "seq" in frame:
                return frame


def delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


@pytest.fixture
def elsewhere(world: World, settings: Any) -> Elsewhere:
    settings.REDIS_URL = "redis://another-process"  # the rows of an ended answer stay for their readers
    return Elsewhere(world)


def test_an_open_page_follows_an_answer_from_its_first_ring_to_its_end(
    world: World, elsewhere: Elsewhere
) -> None:
    page, client = elsewhere.page(world), ReadingClient()
    elsewhere.journal(START, OPEN, delta("One "))
    elsewhere.ring()
    while client.text != "One ":
        client.apply(elsewhere.frame(page))
    for word in ("two ", "three "):
        elsewhere.journal(delta(word))
        elsewhere.ring()
        frame = elsewhere.frame(page)
        assert frame["delta"]["text"] == word, "only what is new"
        client.apply(frame)
    elsewhere.journal(delta("four"), {"type": "content_block_stop", "index": 0})
    elsewhere.end("One two three four")
    elsewhere.ring()
    while client.stop is None:
        client.apply(elsewhere.frame(page))
    assert (client.text, client.stop["status"]) == ("One two three four", "completed")


def test_rings_that_come_while_the_database_is_read_are_heard_after_it(
    world: World, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, client = elsewhere.page(world), ReadingClient()
    reading, go = threading.Event(), threading.Event()
    beyond, times = journal_reader.beyond, []

    def slow(ends: dict[uuid.UUID, int]) -> Any:
        found = beyond(ends)
        times.append(1)
        if len(times) == 2:
            reading.set()
            assert go.wait(patience.SECONDS)
        return found

    monkeypatch.setattr(journal_reader, "beyond", slow)
    elsewhere.journal(START, OPEN)
    elsewhere.ring()
    for _ in range(2):
        client.apply(elsewhere.frame(page))
    elsewhere.journal(delta("early "))
    elsewhere.ring()
    assert reading.wait(patience.SECONDS)
    elsewhere.journal(delta("late"))
    for _ in range(3):
        elsewhere.ring()
    go.set()
    while len(client.text) < len("early late"):
        client.apply(elsewhere.frame(page))
    assert client.text == "early late"


def test_a_database_that_was_away_is_asked_again_with_the_next_ring(
    world: World, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = elsewhere.page(world)
    beyond, failed = journal_reader.beyond, threading.Event()

    def away(ends: dict[uuid.UUID, int]) -> Any:
        if not failed.is_set():
            failed.set()
            raise OperationalError("the database is away")
        return beyond(ends)

    monkeypatch.setattr(journal_reader, "beyond", away)
    elsewhere.journal(START, OPEN)
    elsewhere.ring()
    assert failed.wait(patience.SECONDS)
    elsewhere.journal(delta("Here"))
    elsewhere.ring()
    assert [elsewhere.frame(page)["type"] for _ in range(3)] == [
        "message_start", "content_block_start", "content_block_delta",
    ]  # fmt: skip


def test_a_ring_of_a_conversation_that_nobody_has_open_here_reads_nothing(
    world: World, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(journal_reader, "beyond", asked.append)
    elsewhere.journal(START, OPEN)
    elsewhere.ring()

    async def turn_of_the_loop() -> None:
        pass

    world.engine.run(turn_of_the_loop())
    assert not asked


def test_a_page_that_resumes_gets_what_is_there_and_what_comes(world: World, elsewhere: Elsewhere) -> None:
    elsewhere.journal(START, OPEN, delta("There"))
    page = elsewhere.page(world)
    page.resume(str(elsewhere.generation.pk), 0)
    assert [elsewhere.frame(page)["seq"] for _ in range(3)] == [1, 2, 3]
    elsewhere.journal(delta(" and here"))
    elsewhere.ring()
    assert elsewhere.frame(page)["delta"]["text"] == " and here"


def test_a_wait_at_another_process_is_told_to_open_pages_and_to_those_that_come(
    world: World, elsewhere: Elsewhere
) -> None:
    page = elsewhere.page(world)
    waiting = {"type": "generation_status", "status": "waiting", "retry_at": 1.5, "error": {"type": "busy"}}
    elsewhere.ring_status(waiting)
    told = page.next("generation_status")
    assert told == waiting | {
        "generation": str(elsewhere.generation.pk), "message": str(elsewhere.message.pk),
    }  # fmt: skip
    later = elsewhere.page(world)
    later.resume(str(elsewhere.generation.pk), 0)
    assert later.next("generation_status") == told
    elsewhere.journal(START, OPEN, delta("At last"))
    elsewhere.ring()
    assert [elsewhere.frame(page)["seq"] for _ in range(3)] == [1, 2, 3]
    last = elsewhere.page(world)
    last.resume(str(elsewhere.generation.pk), 0)
    assert "generation_status" not in [frame["type"] for frame in last.until("content_block_delta")]


def test_a_wait_is_told_to_the_first_page_of_a_process_as_long_as_it_lasts(
    world: World, elsewhere: Elsewhere
) -> None:
    waiting = {"type": "generation_status", "status": "waiting", "retry_at": 1.5, "error": {"type": "busy"}}
    elsewhere.ring_status(waiting)
    page = elsewhere.page(world)
    page.resume(str(elsewhere.generation.pk), 0)
    assert page.next("generation_status")["retry_at"] == 1.5


def test_a_wait_that_is_over_is_told_to_nobody(world: World, elsewhere: Elsewhere) -> None:
    elsewhere.ring_status({"type": "generation_status", "status": "slow", "retry_at": None, "error": None})
    elsewhere.journal(START, OPEN, delta("There"))
    page = elsewhere.page(world)
    page.resume(str(elsewhere.generation.pk), 0)
    assert "generation_status" not in [frame["type"] for frame in page.until("content_block_delta")]

"""Whatever an upstream says and however it ends: what a page has shown is what a reload shows, wherever it was cut."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.live import replay
from conversations.live.delivery import Delivery
from conversations.live.frames import bodies, frame, journal_text
from conversations.live.hub import hub
from conversations.live.log import LiveLog
from conversations.models import Conversation, Generation, GenerationEvent, Message
from conversations.rendering.markdown import render_document
from tests.clients import Frame
from tests.reading import ReadingClient
from tests.world import Person, World

from .scripts import Script, scripts

PATIENT = settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture
def world(quick: Any, world: World) -> World:
    quick.FRAME_INTERVAL = 0.001
    return world


def play(world: World, script: Script) -> tuple[dict[str, Any], list[Frame]]:
    """Let the upstream say this; the frames of a page that asked for everything at once."""
    world.upstream.script(*script.steps)
    sent = world.alice.start()
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    if script.ending == "stopped":
        threading.Event().wait(0.03)
        page.send({"type": "stop", "generation": sent["generation"]})
    frames = [frame for frame in page.until("message_stop") if frame.get("generation") == sent["generation"]]
    page.close()
    return sent, frames


def events_of(world: World, generation: str) -> list[Frame]:
    """Every single event that this process has of the answer, one frame each."""

    async def read() -> list[Frame]:
        log = hub.logs[uuid.UUID(generation)]
        single = itertools.chain.from_iterable(bodies(log, seq, seq + 1) for seq in range(log.seq))
        return [json.loads(frame(log, body, seq)) for seq, body in single]

    return world.engine.run(read())


def resumed(world: World, sent: dict[str, Any], after: int) -> list[Frame]:
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], after)
    frames = [frame for frame in page.until("message_stop") if frame.get("generation") == sent["generation"]]
    page.close()
    return frames


@given(script=scripts(), data=st.data())
@PATIENT
def test_live_equals_reloaded_from_every_number(world: World, script: Script, data: st.DataObject) -> None:
    sent, frames = play(world, script)
    live = ReadingClient().apply_all(frames)
    stored = world.alice.messages(sent["conversation"])[-1]
    assert live.content == stored["content"]
    assert live.stop is not None
    assert live.stops == 1
    assert {name: live.stop[name] for name in ("status", "stop_reason", "error", "usage")} == {
        name: stored[name] for name in ("status", "stop_reason", "error", "usage")
    }
    single = events_of(world, sent["generation"])
    assert [one["seq"] for one in single] == list(range(1, live.stop["seq"] + 1))
    for after in data.draw(st.lists(st.integers(0, len(single) - 1), min_size=1, max_size=4)):
        late = ReadingClient().apply_all(single[:after])
        late.apply_all(resumed(world, sent, after))
        assert late.content == stored["content"], after
        assert late.stop == live.stop
    # Another process, or a later day: only the database is left.
    after = data.draw(st.integers(0, len(single) + 3))
    world.engine.run(forget(sent["generation"]))
    late = ReadingClient().apply_all(single[:after])
    late.stop, late.stops = None, 0
    late.apply_all(resumed(world, sent, after))
    assert late.content == stored["content"], after
    assert late.stop is not None
    assert late.stop["seq"] == live.stop["seq"]


async def forget(generation: str) -> None:
    hub.logs.pop(uuid.UUID(generation), None)


@given(script=scripts())
@PATIENT
def test_the_formatted_blocks_put_together_are_the_rendered_text(world: World, script: Script) -> None:
    sent, frames = play(world, script)
    client = ReadingClient().apply_all(frames)
    stored = Message.objects.get(pk=sent["reply"])
    for index, block in enumerate(stored.content):
        if block["type"] == "text" and block.get("text"):
            assert client.html.get(index) == render_document(block["text"])
            assert stored.html is not None
            assert stored.html[index] == client.html[index]


@given(script=scripts(), data=st.data())
@PATIENT
def test_the_journal_is_an_exact_prefix_wherever_it_ends(
    world: World, script: Script, data: st.DataObject
) -> None:
    sent, _ = play(world, script)
    single = events_of(world, sent["generation"])[:-1]
    conversation = Conversation.objects.get(pk=sent["conversation"])
    cuts = sorted({0, *data.draw(st.lists(st.integers(0, len(single)), max_size=4)), len(single)})
    generation = journalled(world, conversation, sent, cuts)
    for upto in cuts[1:]:
        content = content_after(generation, upto)
        assert content == ReadingClient().apply_all(single[:upto]).content
    # A page of another process follows the journal: any number, merged or not.
    log = replay.log_of(generation)
    assert log.seq == len(single)
    for after in range(len(single) + 2):
        late = ReadingClient().apply_all(single[:after])
        late.apply_all(followed(world, log, after))
        assert late.content == ReadingClient().apply_all(single).content, after
    generation.message.delete()


def journalled(world: World, conversation: Conversation, sent: dict[str, Any], cuts: list[int]) -> Generation:
    """A copy of the answer as one that still runs, with a journal row from cut to cut."""
    message = Message.objects.create(conversation=conversation, role="assistant", status="running")
    generation = Generation.objects.create(
        conversation=conversation, message=message, requested_by=world.alice.user, client_id=uuid.uuid4(),
        model="m", status="running",
    )  # fmt: skip
    original = hub.logs[uuid.UUID(sent["generation"])]
    for after, upto in itertools.pairwise(cuts):
        GenerationEvent.objects.create(
            generation=generation, first_seq=after + 1, seq=upto, events=journal_text(original, after, upto)
        )
    return generation


def content_after(generation: Generation, upto: int) -> list[dict[str, Any]]:
    """What a reload shows while the journal goes as far as this number."""
    log = LiveLog(generation.pk, generation.message_id, generation.conversation_id)
    for row in generation.events.filter(seq__lte=upto):
        for body in json.loads(row.events):
            seq = body.pop("seq")
            log.events.extend([None] * (seq - log.seq - 1))
            log.events.append(replay._event(body))
    return replay.accumulated(log).content


def followed(world: World, log: LiveLog, after: int) -> list[Frame]:
    """What a socket that resumes after this number gets of the log, as far as it goes."""

    async def read() -> list[Frame]:
        frames: list[Frame] = []

        async def send(text: str) -> None:
            frames.append(json.loads(text))

        delivery = Delivery(send)
        delivery.follow(log, after)
        delivery.open()
        while delivery._task is not None:
            await delivery._task
        delivery.close()
        return frames

    return world.engine.run(read())


def test_a_reload_in_mid_answer_shows_a_prefix_and_resuming_brings_the_rest(world: World) -> None:
    """Reload again and again while it streams: the page's snapshot and the events after it are the whole text."""
    sent = world.alice.start("load-120-5")
    final = None
    snapshots = []
    for _ in range(6):
        page = world.socket(Person(world.alice.user), sent["conversation"])
        running = page.frame()["running"]
        row = world.alice.messages(sent["conversation"])[-1]
        snapshots.append("".join(block["text"] for block in row["content"]))
        if not running:
            break
        client = ReadingClient()
        page.resume(sent["generation"], 0)
        client.apply_all([f for f in page.until("content_block_delta") if "generation" in f])
        page.close()
        again = world.socket(world.alice, sent["conversation"])
        again.frame()
        again.resume(sent["generation"], client.seq)
        client.apply_all(
            [f for f in again.until("message_stop") if f.get("generation") == sent["generation"]]
        )
        again.close()
        final = client.text
    assert final == world.alice.messages(sent["conversation"])[-1]["content"][0]["text"]
    assert all(final.startswith(snapshot) for snapshot in snapshots)

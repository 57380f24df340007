"""The fallback where websockets fail: the same events as Server-Sent Events."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any

import pytest
from django.test import Client

from conversations.actions import messages
from conversations.generation import supervisor
from conversations.generation.begin import begin
from conversations.live import patrol
from conversations.live.delivery import BURST_CHARACTERS
from conversations.live.frames import MERGE_CHARACTERS
from conversations.live.hub import hub
from conversations.live.log import LiveLog
from conversations.models import User
from conversations.upstream.events import ContentBlockDelta, ContentBlockStart, TextDelta
from conversations.views import generations as view
from tests import patience
from tests.clients import EventStream, Frame
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang
from tests.virtual_time import in_virtual_time
from tests.world import World

WORDS = [f"word{number} " for number in range(30)]


def numbered(frames: list[Frame]) -> list[Frame]:
    return [f for f in frames if f["type"] not in ("block_html", "generation_status") and "seq" in f]


def text_of(frames: list[Frame]) -> str:
    return "".join(f["delta"].get("text", "") for f in frames if f["type"] == "content_block_delta")


def test_the_stream_has_the_same_frames_as_the_socket(world: World) -> None:
    world.upstream.script(*wire.text_answer(*WORDS))
    sent, over_socket = world.answer()
    stream = world.stream(world.alice, sent["generation"])
    assert stream.status == 200
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "no-store" in stream.headers["cache-control"]
    events = list(stream)
    frames = [frame for _, _, frame in events]
    assert text_of(frames) == "".join(WORDS) == text_of(over_socket)
    assert numbered(frames)[0] == numbered(over_socket)[0]
    assert frames[-1] == over_socket[-1]
    for id, event, frame in events:
        assert event == frame["type"]
        assert id == (None if frame["type"] == "block_html" else str(frame["seq"]))


def test_a_reader_that_knows_more_line_ends_than_the_format_gets_whole_frames(world: World) -> None:
    odd = "next\x85line \u2028 paragraph\u2029 form\x0cfeed\x1e"
    world.upstream.script(*wire.text_answer(odd))
    sent, over_socket = world.answer()
    log = LiveLog(*(uuid.UUID(sent[name]) for name in ("generation", "reply", "conversation")))
    event = view.as_server_sent_event(log, over_socket[-1] | {"text": odd}, 7)
    assert event.splitlines() == event.removesuffix("\n").split("\n")
    assert json.loads(event.splitlines()[2].removeprefix("data: "))["text"] == odd
    assert text_of([frame for _, _, frame in world.stream(world.alice, sent["generation"])]) == odd


def test_a_running_answer_is_followed_to_its_end(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    events = iter(world.stream(world.alice, sent["generation"]))
    while next(events)[1] != "content_block_delta":
        pass
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    rest = [frame for _, _, frame in events]
    assert rest[-1]["type"] == "message_stop"
    assert rest[-1]["status"] == "stopped"


@pytest.mark.parametrize("by", ["after", "Last-Event-ID", "both"])
def test_the_stream_goes_on_after_a_number(world: World, by: str) -> None:
    world.upstream.script(*wire.text_answer(*WORDS))
    sent, _ = world.answer()
    headers = {"last_event_id": "12"} if by != "after" else {}
    stream = world.stream(
        world.alice, sent["generation"], {"after": 12, "Last-Event-ID": None, "both": 3}[by], **headers
    )
    frames = numbered([frame for _, _, frame in stream])
    assert frames[0]["seq"] > 12
    assert text_of(frames) == "".join(WORDS[10:])


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 40, "²", " 3", ""])
def test_a_number_that_is_none_begins_at_the_start(world: World, after: str) -> None:
    sent, _ = world.answer()
    stream = EventStream(
        world.engine, world.alice.client, f"/generations/{sent['generation']}/events/?after={after}"
    )
    frames = numbered([frame for _, _, frame in stream])
    assert frames[0]["type"] == "message_start"
    assert frames[-1]["type"] == "message_stop"


def test_a_reader_that_has_the_whole_answer_is_not_kept_waiting(world: World) -> None:
    """A browser comes again by itself with the last number it saw: its end must not wait for what never comes."""
    sent, frames = world.answer()
    for headers, after in (({}, frames[-1]["seq"]), ({"last_event_id": str(frames[-1]["seq"])}, None)):
        stream = world.stream(world.alice, sent["generation"], after, **headers)
        assert stream.status == 200
        assert numbered([frame for _, _, frame in stream]) == []


def test_a_stream_that_came_before_the_answer_began_gets_all_of_it(world: World) -> None:
    """An equal send is answered, or news is heard, while the request to the upstream is still being made."""
    world.upstream.script(*wire.text_answer(*WORDS))
    sent = messages.start(world.alice.user, "Hello", uuid.uuid4(), owner=supervisor.identity())
    stream = world.stream(world.alice, str(sent.generation.pk))
    deadline = time.monotonic() + patience.SECONDS
    while sent.generation.pk not in hub.logs:
        assert time.monotonic() < deadline
    begin(sent.generation)
    frames = [frame for _, _, frame in stream]
    assert frames[-1]["status"] == "completed"
    assert text_of(frames) == "".join(WORDS)


def test_html_is_in_the_stream_before_the_stop(world: World) -> None:
    world.answer("The first rendering starts a process.")
    world.upstream.script(*wire.text_answer("# Title\n\n", "Text.\n\n"))
    sent, _ = world.answer()
    kinds = [event for _, event, _ in world.stream(world.alice, sent["generation"])]
    assert "block_html" in kinds
    assert kinds[-1] == "message_stop"


def test_an_answer_that_is_not_ones_own_is_not_found(world: World) -> None:
    sent, _ = world.answer()
    assert world.stream(world.bob, sent["generation"]).status == 404
    assert world.stream(world.alice, str(uuid.uuid4())).status == 404


def test_what_keeps_a_stream_from_beginning_is_told_in_the_errors_own_form(world: World) -> None:
    """It is no page: nobody sees a form to sign in there."""
    sent, _ = world.answer()
    path, accept = f"/generations/{sent['generation']}/events/", {"HTTP_ACCEPT": "text/event-stream"}
    anonymous = Client().get(path, **accept)
    assert (anonymous.status_code, anonymous.json()["error"]["type"]) == (401, "authentication_required")
    foreign = world.bob.client.get(path, **accept)
    assert (foreign.status_code, foreign.json()["error"]["type"]) == (404, "not_found")


def test_a_quiet_stream_says_that_it_is_alive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert view.COMMENT_SECONDS == 15
    monkeypatch.setattr(view, "COMMENT_SECONDS", 0.1)
    world.upstream.script(wire.message_start(), wire.block_start(), Hang())
    sent = world.alice.start()
    stream = world.stream(world.alice, sent["generation"])
    comments = 0
    while comments < 2:
        message = stream._get(5)
        assert message is not None
        comments += message["body"].startswith(b":")
    stream.close()


def test_the_head_of_a_stream_does_not_wait_for_the_first_word(world: World) -> None:
    """Daphne sends it with the first of the body."""
    world.upstream.script(Hang())
    sent = world.alice.start()
    first = world.stream(world.alice, sent["generation"])._get(patience.SECONDS)
    assert first is not None
    assert first["body"].startswith(b":")


@in_virtual_time
async def test_frames_do_not_put_off_the_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    log = LiveLog(uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    log.extend([{"type": "message_start"}, ContentBlockStart(0, {"type": "text", "text": ""})])
    loop = asyncio.get_running_loop()
    # The engine is not what this is about: it takes this loop for its own.
    monkeypatch.setattr(hub, "loop", loop)
    monkeypatch.setitem(hub.logs, log.generation, log)

    async def a_word_every_14_seconds() -> None:
        for _ in range(4):
            await asyncio.sleep(14)
            log.extend([ContentBlockDelta(0, TextDelta("word "))])
        await asyncio.sleep(14)
        log.close({"type": "message_stop"})

    words, began = asyncio.create_task(a_word_every_14_seconds()), loop.time()
    stream = view._Stream(User(pk=1), "", log.conversation, log.generation, 0)
    comments = [round(loop.time() - began) async for text in stream if text.startswith(":")]
    assert comments == [0, 15, 30, 45, 60]
    await words


def test_a_stream_ends_when_its_reader_leaves(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), Hang())
    sent = world.alice.start()
    stream = world.stream(world.alice, sent["generation"])
    next(iter(stream))
    assert hub.sockets_of(world.alice.user.pk) == 1
    stream.close()
    while stream._get(5) is not None:
        pass
    deadline = time.monotonic() + patience.SECONDS
    while hub.sockets_of(world.alice.user.pk):
        assert time.monotonic() < deadline


@pytest.fixture
def brisk_patrol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patrol, "SECONDS", 0.3)


@pytest.mark.parametrize("change", ["signed out", "deleted"])
def test_a_stream_is_cut_when_rights_end(brisk_patrol: None, world: World, change: str) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    stream = world.stream(world.alice, sent["generation"])
    events: Any = iter(stream)
    while next(events)[1] != "content_block_delta":
        pass
    if change == "signed out":
        world.alice.client.logout()
    else:
        world.alice.post(f"/conversations/{sent['conversation']}/delete/")
    assert "content_block_delta" not in [event for _, event, _ in events]


def test_a_reader_who_does_not_read_costs_a_cursor_and_not_a_copy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    encode = view.as_server_sent_event

    def remembered(log: LiveLog, body: Any, seq: int | None) -> str:
        made.append(encode(log, body, seq))
        return made[-1]

    monkeypatch.setattr(view, "as_server_sent_event", remembered)

    async def read_little() -> None:
        log = LiveLog(uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
        log.extend([{"type": "message_start"}, ContentBlockStart(0, {"type": "text", "text": ""})])
        log.extend([ContentBlockDelta(0, TextDelta("x" * 4096)) for _ in range(1000)])
        hub.logs[log.generation] = log
        stream = view._Stream(world.alice.user, "", log.conversation, log.generation, 0)
        frames = aiter(stream)
        for _ in range(3):
            await anext(frames)
        # The transport is full from now on.
        await asyncio.sleep(0.3)
        await frames.aclose()
        del hub.logs[log.generation]

    world.engine.run(read_little())
    assert 0 < sum(map(len, made)) < 2 * (BURST_CHARACTERS + 2 * MERGE_CHARACTERS)


def test_streams_count_as_sockets_do_until_they_end(world: World, settings: Any) -> None:
    settings.SOCKETS_PER_USER = 3
    world.upstream.script(wire.message_start(), wire.block_start(), Hang())
    sent = world.alice.start()
    socket = world.socket(world.alice, sent["conversation"])
    socket.next("conversation")
    streams = [world.stream(world.alice, sent["generation"]) for _ in range(2)]
    assert [stream.status for stream in streams] == [200, 200]
    refused = world.stream(world.alice, sent["generation"])
    assert refused.status == 429
    message = refused._get(5)
    assert message is not None
    assert json.loads(message["body"])["error"]["type"] == "too_many_streams"
    streams[0].close()
    deadline = time.monotonic() + patience.SECONDS
    while hub.sockets_of(world.alice.user.pk) == 3:
        assert time.monotonic() < deadline
    assert world.stream(world.alice, sent["generation"]).status == 200

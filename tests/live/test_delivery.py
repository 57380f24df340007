"""What leaves through one socket: windows and acks, merging, order, and what a slow reader costs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.live.delivery import Delivery
from conversations.live.log import LiveLog
from conversations.upstream.events import (
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    InputJsonDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from tests import patience
from tests.reading import ReadingClient

Frame = dict[str, Any]


class Reader:
    """A delivery, what it sent, and a way to wait for it."""

    def __init__(self, *, windowed: bool = True) -> None:
        self.frames: list[Frame] = []
        self.too_slow = asyncio.Event()
        self._changed = asyncio.Event()
        self.delivery = Delivery(self._send, self.too_slow.set if windowed else None)

    async def _send(self, text: str) -> None:
        self.frames.append(json.loads(text))
        self._changed.set()

    async def until(self, holds: Callable[[list[Frame]], bool]) -> list[Frame]:
        async with asyncio.timeout(patience.SECONDS):
            while not holds(self.frames):
                self._changed.clear()
                await self._changed.wait()
        return self.frames

    async def quiet(self) -> list[Frame]:
        """Everything that is sent without another event."""
        while self.delivery._task is not None:
            await self.delivery._task
        return self.frames


def new_log() -> LiveLog:
    log = LiveLog(uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    start = {"type": "message_start", "model": "m", "usage": {}}
    log.extend([start, ContentBlockStart(0, {"type": "text", "text": ""})])
    return log


def text(value: str, index: int = 0) -> ContentBlockDelta:
    return ContentBlockDelta(index, TextDelta(value))


def joined(frames: list[Frame]) -> str:
    return "".join(f["delta"].get("text", "") for f in frames if f["type"] == "content_block_delta")


def ends(log: LiveLog) -> None:
    log.extend([ContentBlockStop(0)])
    log.close({"type": "message_stop", "status": "completed"})


@pytest.fixture
def window(settings: Any) -> Any:
    """A window of 1,000 bytes and never fewer than 8 frames; acks within a tenth of a second."""
    settings.SOCKET_WINDOW_BYTES = 1000
    settings.SOCKET_WINDOW_FRAMES = 8
    settings.SOCKET_ACK_TIMEOUT = 0.1
    settings.FRAME_INTERVAL = 0.001
    return settings


def unmergeable(count: int, size: int = 200) -> list[ContentBlockDelta]:
    """Deltas that each need a frame of their own."""
    return [
        ContentBlockDelta(0, TextDelta("x" * size) if number % 2 else ThinkingDelta("y" * size))
        for number in range(count)
    ]


async def test_neighbouring_deltas_leave_as_one_frame_with_the_last_number() -> None:
    log, reader = new_log(), Reader()
    log.extend([text("a"), text("b"), text("c")])
    reader.delivery.follow(log)
    reader.delivery.open()
    frames = await reader.quiet()
    assert [(f["type"], f["seq"]) for f in frames] == [
        ("message_start", 1), ("content_block_start", 2), ("content_block_delta", 5),
    ]  # fmt: skip
    assert joined(frames) == "abc"
    assert list(frames[0])[0] == "type"


async def test_only_text_of_the_same_block_and_kind_is_merged() -> None:
    log, reader = new_log(), Reader()
    log.extend(
        [
            text("a"), ContentBlockDelta(0, ThinkingDelta("b")), ContentBlockDelta(0, ThinkingDelta("c")),
            ContentBlockDelta(0, SignatureDelta("s")), ContentBlockDelta(0, SignatureDelta("t")),
            ContentBlockDelta(1, InputJsonDelta("{")), ContentBlockDelta(1, InputJsonDelta("}")), text("d"),
        ]
    )  # fmt: skip
    reader.delivery.follow(log, 2)
    reader.delivery.open()
    frames = await reader.quiet()
    assert [(f["seq"], f["delta"]) for f in frames] == [
        (3, {"type": "text_delta", "text": "a"}),
        (5, {"type": "thinking_delta", "thinking": "bc"}),
        (6, {"type": "signature_delta", "signature": "s"}),
        (7, {"type": "signature_delta", "signature": "t"}),
        (9, {"type": "input_json_delta", "partial_json": "{}"}),
        (10, {"type": "text_delta", "text": "d"}),
    ]


async def test_a_merged_frame_never_fills_a_window_alone() -> None:
    log, reader = new_log(), Reader()
    log.extend([text("x" * 1000) for _ in range(200)])
    reader.delivery.follow(log, 2)
    reader.delivery.open()
    frames = await reader.quiet()
    assert max(len(f["delta"]["text"]) for f in frames) <= 17_384
    assert joined(frames) == "x" * 200_000


async def test_nothing_leaves_before_it_is_opened_and_the_first_frame_is_first() -> None:
    log, reader = new_log(), Reader()
    reader.delivery.tell({"type": "news"})
    reader.delivery.follow(log)
    await asyncio.sleep(0)
    assert reader.frames == []
    reader.delivery.first({"type": "conversation"})
    assert [f["type"] for f in await reader.quiet()] == [
        "conversation", "news", "message_start", "content_block_start",
    ]  # fmt: skip


async def test_a_reader_that_never_acks_gets_a_window_and_no_more_and_is_called_slow(window: Any) -> None:
    log, reader = new_log(), Reader()
    log.extend(unmergeable(100))
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    assert len(reader.frames) == window.SOCKET_WINDOW_FRAMES, "bytes alone would have stopped it earlier"
    async with asyncio.timeout(patience.SECONDS):
        await reader.too_slow.wait()


async def test_many_small_frames_are_no_full_window(window: Any) -> None:
    window.SOCKET_WINDOW_BYTES = 20_000
    log, reader = new_log(), Reader()
    log.extend(unmergeable(40, size=1))
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    assert len(reader.frames) == 42


async def test_the_window_counts_the_bytes_that_travel_not_the_characters(window: Any) -> None:
    window.SOCKET_WINDOW_BYTES = 20_000
    log, reader = new_log(), Reader()
    log.extend(
        [
            ContentBlockDelta(0, (TextDelta if number % 2 else ThinkingDelta)("😀" * 500))
            for number in range(30)
        ]
    )
    reader.delivery.follow(log, 2)
    reader.delivery.open()
    frames = await reader.quiet()
    assert len(frames) == 10, "each is 2 KB and a little"


async def test_a_reader_that_acks_gets_everything_however_long_it_is(window: Any) -> None:
    log, reader = new_log(), Reader()
    log.extend(unmergeable(300))
    ends(log)
    reader.delivery.follow(log)
    reader.delivery.open()
    seen = 0
    while not reader.frames or reader.frames[-1]["type"] != "message_stop":
        await reader.until(lambda frames, seen=seen: len(frames) > seen)  # type: ignore[misc]
        seen = len(reader.frames)
        reader.delivery.ack(log.generation, reader.frames[-1]["seq"])
    assert [f["seq"] for f in reader.frames] == list(range(1, 305))
    assert not reader.too_slow.is_set()


async def test_any_progress_restarts_the_time_for_an_ack(window: Any) -> None:
    """A full window with *no ack* for the whole time closes; a slow reader that goes on reading does not."""
    window.SOCKET_ACK_TIMEOUT = 1
    log, reader = new_log(), Reader()
    log.extend(unmergeable(100, size=5000))
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    for seq in range(1, 7):
        await asyncio.sleep(0.2)
        reader.delivery.ack(log.generation, seq)
    assert not reader.too_slow.is_set()
    async with asyncio.timeout(patience.SECONDS):
        await reader.too_slow.wait()


async def test_the_rest_of_earlier_answers_never_fills_the_window(window: Any) -> None:
    """A reader acks every fourth frame, per answer, and never the last ones: allowed, however many answers come."""
    reader = Reader()
    reader.delivery.open()
    for _ in range(30):
        log = new_log()
        log.extend(unmergeable(6))
        ends(log)
        reader.delivery.follow(log)
        begin = len(reader.frames)
        acked = 0
        while not reader.frames[begin:] or reader.frames[-1]["type"] != "message_stop":
            count = len(reader.frames)
            await reader.until(lambda frames, count=count: len(frames) > count)  # type: ignore[misc]
            new = [f for f in reader.frames[begin:] if f["seq"] % 4 == 0]
            if new and new[-1]["seq"] > acked:
                acked = new[-1]["seq"]
                reader.delivery.ack(log.generation, acked)
        await reader.quiet()
    assert not reader.too_slow.is_set()


async def test_news_comes_through_a_full_window(window: Any) -> None:
    log, reader = new_log(), Reader()
    log.extend(unmergeable(100))
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    reader.delivery.tell({"type": "conversation_updated"})
    await reader.quiet()
    assert reader.frames[-1]["type"] == "conversation_updated"


async def test_resuming_empties_the_window_of_that_answer(window: Any) -> None:
    log, reader = new_log(), Reader()
    log.extend(unmergeable(20))
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    before = len(reader.frames)
    reader.delivery.follow(log, 8)
    await reader.quiet()
    assert [f["seq"] for f in reader.frames[before:]] == list(range(9, 17))


@pytest.mark.parametrize("resumes", [(50,), (50, 50), (70, 50), (2, 50), (0, 50), (50, 0, 50)])
async def test_resuming_again_before_anything_has_left_doubles_nothing(resumes: tuple[int, ...]) -> None:
    """What was sent before still arrives, and the reader applies it: no later frame may reach back across its end."""
    log, reader = new_log(), Reader()
    log.extend([text(f"{number} ") for number in range(3, 101)])
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    for after in resumes:
        reader.delivery.follow(log, after)
    log.extend([text("late")])
    client = ReadingClient()
    client.apply_all(await reader.quiet())
    assert client.text == "".join(f"{number} " for number in range(3, 101)) + "late"


async def test_resuming_while_it_begins_again_leaves_nothing_out(window: Any) -> None:
    """With message_start the reader drops what it had: what it knew before that counts no longer."""
    log, reader = new_log(), Reader()
    log.extend(unmergeable(60))
    reader.delivery.follow(log)
    reader.delivery.open()
    while (await reader.quiet())[-1]["seq"] < log.seq:
        reader.delivery.ack(log.generation, reader.frames[-1]["seq"])
    reader.delivery.follow(log, 0)
    await reader.quiet()
    assert reader.frames[-1]["seq"] == window.SOCKET_WINDOW_FRAMES, "the beginning is on its way"
    begin = len(reader.frames)
    reader.delivery.follow(log, 50)
    await reader.quiet()
    assert reader.frames[begin]["seq"] == window.SOCKET_WINDOW_FRAMES + 1


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 8)),
            st.tuples(st.just("send"), st.integers(1, 4)),
            st.tuples(st.just("read"), st.integers(1, 4)),
            st.tuples(st.just("resume"), st.sampled_from([0, 0, 1, 1000])),
            st.tuples(st.just("hear"), st.integers(1, 3)),
        ),
        max_size=40,
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
async def test_whatever_is_asked_for_in_whatever_order_the_text_is_whole(
    window: Any, steps: list[tuple[str, int]]
) -> None:
    """Frames and commands are under way while others are made. A reader asks for what follows all that it has, or all
    but the last (1), or for more than there is (1000), which begins again.
    """
    window.FRAME_INTERVAL = 0
    log, reader, client, asked = new_log(), Reader(windowed=False), ReadingClient(), list[int]()
    reader.delivery.follow(log)
    reader.delivery.open()
    read = written = 0
    for step, number in [*steps, ("hear", 100), ("end", 0)]:
        match step:
            case "write":
                # So long that few of them leave together.
                log.extend([text(f"{written + one} " * 1000) for one in range(number)])
                written += number
            case "send":
                for _ in range(number):
                    await asyncio.sleep(0)
            case "read":
                client.apply_all(reader.frames[read : read + number])
                read = min(read + number, len(reader.frames))
            case "resume":
                asked.append(1000 if number == 1000 else max(0, client.seq - number))
            case "hear":
                for after in asked[:number]:
                    reader.delivery.follow(log, after)
                del asked[:number]
            case "end":
                ends(log)
                client.apply_all((await reader.quiet())[read:])
    reader.delivery.close()
    assert client.text == "".join(f"{one} " * 1000 for one in range(written))
    assert client.stop is not None


async def test_a_slow_reader_holds_a_cursor_and_no_queue(window: Any) -> None:
    log, reader = new_log(), Reader()
    log.extend(unmergeable(10_000))
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    assert len(reader.frames) == window.SOCKET_WINDOW_FRAMES
    assert len(reader.delivery._news) == 0


async def test_html_comes_before_the_stop_and_takes_no_number() -> None:
    log, reader = new_log(), Reader()
    log.extend([text("*a*")])
    log.add_html({"type": "block_html", "index": 0, "seq": 3, "html": ["<p><em>a</em></p>"]})
    ends(log)
    reader.delivery.follow(log)
    reader.delivery.open()
    frames = await reader.quiet()
    assert frames[-1]["type"] == "message_stop"
    assert frames[-2]["type"] == "block_html"
    assert frames[-2]["seq"] == 3
    assert [f["seq"] for f in frames if f["type"] != "block_html"] == [1, 2, 3, 4, 5]


async def test_whoever_comes_later_gets_the_html_that_still_counts(window: Any) -> None:
    """A long answer is rendered thousands of times: all of it would fill the window of a reader that ignores HTML."""
    window.SOCKET_WINDOW_FRAMES = 20
    log, reader = new_log(), Reader()
    log.extend([text("*a*")])
    for number in range(50):
        log.add_html(
            {"type": "block_html", "index": 0, "start": 0, "seq": 3, "html": [], "open": "x" * number}
        )
    log.add_html({"type": "block_html", "index": 0, "start": 0, "seq": 3, "html": ["<p>a</p>"], "open": "b"})
    log.add_html({"type": "block_html", "index": 0, "start": 1, "seq": 3, "html": ["<p>b</p>"], "open": ""})
    log.add_html({"type": "block_html", "index": 1, "start": 0, "seq": 3, "html": ["<p>c</p>"], "open": ""})
    ends(log)
    reader.delivery.follow(log)
    reader.delivery.open()
    frames = await reader.quiet()
    rendered = [f["html"] for f in frames if f["type"] == "block_html"]
    assert rendered == [["<p>a</p>"], ["<p>b</p>"], ["<p>c</p>"]]
    assert frames[-1]["type"] == "message_stop"


async def test_two_answers_are_both_followed_to_their_own_end() -> None:
    first, second, reader = new_log(), new_log(), Reader()
    for log in (first, second):
        reader.delivery.follow(log)
    reader.delivery.open()
    first.extend([text("one")])
    second.extend([text("two")])
    ends(second)
    ends(first)
    frames = await reader.quiet()
    for log, words in ((first, "one"), (second, "two")):
        mine = [f for f in frames if f["generation"] == str(log.generation)]
        assert joined(mine) == words
        assert [f["type"] for f in mine].count("message_stop") == 1
    assert first._wakes == second._wakes == [], "nobody is woken for an answer that is over"


async def test_a_closed_delivery_sends_nothing_and_lets_go() -> None:
    log, reader = new_log(), Reader()
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    reader.delivery.close()
    log.extend([text("late")])
    reader.delivery.tell({"type": "late"})
    await asyncio.sleep(0.05)
    assert joined(reader.frames) == ""
    assert log._wakes == []


async def test_without_a_window_the_transport_alone_holds_back(window: Any) -> None:
    log, reader = new_log(), Reader(windowed=False)
    log.extend(unmergeable(100))
    reader.delivery.follow(log)
    reader.delivery.open()
    assert len(await reader.quiet()) == 102


async def test_a_log_that_begins_again_is_read_to_its_end_by_whoever_had_resumed_it() -> None:
    """Another process ended the answer, and its journal was gone before this one had read it all."""
    log, reader = new_log(), Reader()
    log.extend([text(piece) for piece in "abcde"])
    reader.delivery.follow(log)
    reader.delivery.open()
    await reader.quiet()
    reader.delivery.follow(log, 3)
    start = {"type": "message_start", "model": "m", "usage": {}}
    block = ContentBlockStart(0, {"type": "text", "text": ""})
    # Of what is stored there are fewer events than there were numbers.
    log.events = [start, block, text("abcdef"), ContentBlockStop(0), *[None] * 7]
    log.rebuilt = True
    log.restart()
    log.close({"type": "message_stop", "status": "completed"})
    frames = await reader.quiet()
    assert [frame["type"] for frame in frames[-5:]] == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_stop",
    ]  # fmt: skip
    assert frames[-1]["seq"] == log.seq

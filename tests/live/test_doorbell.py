"""The bell between processes: what comes up together goes out together, in order; its own thread never fails others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from channels.layers import get_channel_layer

from conversations.live import doorbell
from conversations.live.hub import hub
from tests import patience


@dataclass
class Other:
    """Another process, on the same Redis."""

    layer: Any
    channel: str
    heard: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    """What our bell hands over of the rings of others."""
    deaf: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    """Each time that our bell says that some were lost."""
    rung: int = 0

    async def ring(self, *rings: dict[str, Any]) -> None:
        message = {
            "type": "doorbell",
            "from": "another",
            "before": self.rung,
            "payload": {"rings": list(rings)},
        }
        self.lose(len(rings))
        await self.layer.group_send(doorbell.GROUP, message)

    def lose(self, count: int) -> None:
        """So many rings of this process come up and never arrive."""
        self.rung += count

    async def hears(self) -> list[dict[str, Any]]:
        """The rings of our next message that has some."""
        while True:
            message = await asyncio.wait_for(self.layer.receive(self.channel), patience.SECONDS)
            if message["from"] == hub.process and message["payload"]["rings"]:
                rings: list[dict[str, Any]] = message["payload"]["rings"]
                return rings

    async def next(self) -> dict[str, Any]:
        while (ring := await asyncio.wait_for(self.heard.get(), patience.SECONDS)) == {"anybody": "there"}:
            pass
        return ring


def use_redis(settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [url]}}
    }


@pytest.fixture
async def other(settings: Any, redis_url: str) -> AsyncIterator[Other]:
    use_redis(settings, redis_url)
    loop = asyncio.get_running_loop()
    hub.attach(loop)
    layer = get_channel_layer()
    assert layer is not None
    found = Other(layer, await layer.new_channel())
    await layer.group_add(doorbell.GROUP, found.channel)

    def heard(rings: list[dict[str, Any]]) -> None:
        for ring in rings:
            loop.call_soon_threadsafe(found.heard.put_nowait, ring)

    doorbell.open_bell(heard, lambda: loop.call_soon_threadsafe(found.deaf.put_nowait, None))
    # From when on it listens is seen by its hearing something.
    deadline = time.monotonic() + patience.SECONDS
    while found.heard.empty():
        assert time.monotonic() < deadline
        await found.ring({"anybody": "there"})
        await asyncio.sleep(0.02)
    yield found
    await asyncio.to_thread(doorbell.close_bell)
    await layer.flush()
    hub.loop = None


async def test_rings_that_come_up_together_are_few_messages_and_keep_their_order(other: Other) -> None:
    bell, held = doorbell._bell, threading.Event()
    assert bell is not None
    # Its loop is busy while they come up.
    bell._loop.call_soon_threadsafe(held.wait, 10)
    for number in range(200):
        doorbell.ring({"number": number})
    held.set()
    messages = []
    while sum(map(len, messages)) < 200:
        messages.append(await other.hears())
    assert [ring["number"] for rings in messages for ring in rings] == list(range(200))
    assert len(messages) <= 2


async def test_every_ring_of_another_process_is_heard_and_none_of_ones_own(other: Other) -> None:
    doorbell.ring({"number": 0})
    assert await other.hears() == [{"number": 0}]
    await other.ring({"number": 1}, {"number": 2})
    assert [await other.next(), await other.next()] == [{"number": 1}, {"number": 2}]
    assert other.heard.empty()


async def test_a_ring_that_comes_up_after_the_one_before_is_not_left_lying(other: Other) -> None:
    for number in range(5):
        doorbell.ring({"number": number})
        assert await other.hears() == [{"number": number}]


async def test_rings_that_were_lost_on_the_way_are_noticed_with_the_next_message(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = doorbell._bell
    assert bell is not None
    await other.ring({"number": 0})
    await other.ring()
    assert await other.next() == {"number": 0}
    assert bell._telling is None, "nothing was lost"
    monkeypatch.setattr(doorbell, "BEAT_SECONDS", 0.2)
    other.lose(3)
    await other.ring({"number": 1})
    assert await other.next() == {"number": 1}
    await asyncio.wait_for(other.deaf.get(), patience.SECONDS)
    await other.ring({"number": 2})
    assert await other.next() == {"number": 2}
    assert bell._telling is None
    assert other.deaf.empty()


async def test_rings_that_redis_does_not_take_count_for_the_others(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell, held = doorbell._bell, threading.Event()
    assert bell is not None
    monkeypatch.setattr(doorbell, "_MAX_WAITING", 2)
    bell._loop.call_soon_threadsafe(held.wait, 10)
    for number in range(5):
        doorbell.ring({"number": number})
    held.set()
    assert await other.hears() == [{"number": 0}, {"number": 1}]
    assert bell._rung == 5


async def test_what_was_rung_is_out_when_the_bell_is_closed(
    other: Other, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        doorbell.ring({"number": number})
    await asyncio.to_thread(doorbell.close_bell)
    heard: list[dict[str, Any]] = []
    while len(heard) < 3:
        heard += await other.hears()
    assert heard == [{"number": number} for number in range(3)]
    # Nobody hears this, and nobody minds.
    doorbell.ring({"number": 3})
    assert not caplog.records


async def test_a_ring_that_cannot_be_read_hinders_none_after_it(
    other: Other, caplog: pytest.LogCaptureFixture
) -> None:
    message = {"type": "doorbell", "from": "of another version", "payload": None}
    await other.layer.group_send(doorbell.GROUP, message)
    await other.ring({"number": 1})
    assert await other.next() == {"number": 1}
    assert "cannot be read (TypeError)" in caplog.text


async def test_a_redis_that_stays_away_is_named_once(
    settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorbell, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(doorbell, "BEAT_SECONDS", 0.01)
    tries = asyncio.Semaphore(0)

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.release()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        use_redis(settings, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        doorbell.open_bell(lambda rings: None, lambda: None)
        try:
            for _ in range(6):
                await asyncio.wait_for(tries.acquire(), patience.SECONDS)
        finally:
            await asyncio.to_thread(doorbell.close_bell)
    assert [record.message for record in caplog.records] == [
        "News through Redis is interrupted (ConnectionError); trying again."
    ]

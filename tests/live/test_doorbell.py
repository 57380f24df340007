"""The bell between processes: what comes up together goes out together, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import get_channel_layer

from conversations.live import doorbell
from conversations.live.hub import hub


@pytest.fixture
async def bell(settings: Any) -> AsyncIterator[Any]:
    """The channel layer, with the running loop as the one that serves. Its messages stay in memory."""
    settings.REDIS_URL = "redis://another-process"
    before = hub.loop
    hub.attach(asyncio.get_running_loop())
    yield get_channel_layer()
    hub.loop = before


async def test_rings_that_come_up_together_are_few_messages_and_keep_their_order(bell: Any) -> None:
    channel = await bell.new_channel()
    await bell.group_add(doorbell.GROUP, channel)
    for number in range(200):
        doorbell.ring({"people": None, "frame": {"number": number}})
    heard: list[int] = []
    messages = 0
    while len(heard) < 200:
        message = await asyncio.wait_for(bell.receive(channel), 5)
        heard += [ring["frame"]["number"] for ring in message["payload"]["rings"]]
        messages += 1
    assert heard == list(range(200))
    assert messages <= 2


async def test_every_ring_of_another_process_is_heard_and_none_of_ones_own(bell: Any) -> None:
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    channel = await bell.new_channel()
    await bell.group_add(doorbell.GROUP, channel)
    listening = asyncio.create_task(doorbell.listen(heard.put_nowait, lambda: None))
    try:
        # It listens before it beats for the first time; earlier rings of others reach nobody.
        await asyncio.wait_for(bell.receive(channel), 5)
        doorbell.ring({"number": 0})
        rings = [{"number": 1}, {"number": 2}]
        message = {"type": "doorbell", "from": "another", "payload": {"rings": rings}}
        await bell.group_send(doorbell.GROUP, message)
        assert [await asyncio.wait_for(heard.get(), 5) for _ in rings] == rings
        assert heard.empty()
    finally:
        listening.cancel()


async def test_a_ring_that_comes_up_with_the_end_of_the_one_before_is_not_left_lying(
    bell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    async def group_send(group: str, message: dict[str, Any]) -> None:
        sent.extend(ring["number"] for ring in message["payload"]["rings"])
        if len(sent) == 1:
            doorbell.ring({"number": 1})

    monkeypatch.setattr(bell, "group_send", group_send)
    doorbell.ring({"number": 0})
    for _ in range(10):
        await asyncio.sleep(0)
    assert sent == [0, 1]

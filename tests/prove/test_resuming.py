"""A page that asks again in the middle of an answer it already follows: nothing twice, nothing left out."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from conversations.live.delivery import Delivery
from conversations.live.log import LiveLog
from conversations.upstream.events import ContentBlockDelta, ContentBlockStart, TextDelta

START = {"type": "message_start", "model": "m", "usage": {}}


class Page:
    """Applies frames as the contract asks."""

    def __init__(self) -> None:
        self.text, self.seq = "", 0
        self.on_its_way: list[dict[str, Any]] = []

    async def send(self, text: str) -> None:
        self.on_its_way.append(json.loads(text))

    def receive(self) -> None:
        for frame in self.on_its_way:
            if frame["type"] == "message_start":
                self.text = ""
            elif frame["seq"] <= self.seq:
                continue
            self.seq = frame["seq"]
            self.text += frame.get("delta", {}).get("text", "")
        self.on_its_way.clear()


def deltas(log: LiveLog, numbers: range) -> None:
    log.extend([ContentBlockDelta(0, TextDelta(f"{number} ")) for number in numbers])


async def settled(delivery: Delivery) -> None:
    while delivery._task is not None:
        await delivery._task


@pytest.mark.parametrize("after", [0, 2, 4, 7, 12, 15])
async def test_asking_again_while_frames_are_on_their_way(after: int) -> None:
    page = Page()
    delivery = Delivery(page.send, lambda: None)
    log = LiveLog(uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    log.extend([START, ContentBlockStart(0, {"type": "text", "text": ""})])
    delivery.follow(log)
    delivery.open()
    deltas(log, range(3))
    await settled(delivery)
    deltas(log, range(3, 10))
    await settled(delivery)
    # Twelve events were sent and none was read; three more come together with the page's wish. A page that has more
    # than that has it from a socket before, and drops it with the message_start that is on its way.
    deltas(log, range(10, 13))
    page.seq = 0 if after > 12 else page.seq
    delivery.follow(log, after)
    await settled(delivery)
    page.receive()
    assert page.text == "".join(f"{number} " for number in range(13))
    delivery.close()

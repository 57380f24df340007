"""How long a model thought is one figure: on a page that watched, on one that comes later, and in what is stored."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from conversations.actions import conversations
from conversations.live.hub import hub
from conversations.models import Message
from tests.clients import Frame
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Close, Sleep, Step
from tests.world import World

THINKING = [
    wire.message_start(),
    wire.block_start(0, type="thinking", thinking="", signature=""),
    wire.delta(0, type="thinking_delta", thinking="Hm."),
    Sleep(1.1),
]
ENDS: dict[str, list[Step]] = {
    "completed": [
        wire.block_stop(0), wire.block_start(1, type="thinking", thinking="", signature=""), wire.block_stop(1),
        wire.block_start(2), wire.text_delta("Yes.", 2), wire.block_stop(2), wire.message_end(),
    ],
    "interrupted": [Close()],
}  # fmt: skip


def seconds_in(frames: list[Frame]) -> dict[int, float]:
    return {
        frame["index"]: frame["seconds"]
        for frame in frames
        if frame["type"] == "content_block_stop" and "seconds" in frame
    }


def watch(world: World, sent: dict[str, Any]) -> list[Frame]:
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    frames = page.until("message_stop")
    page.close()
    return frames


async def forget(generation: str) -> None:
    hub.logs.pop(uuid.UUID(generation), None)


@pytest.mark.parametrize("ending", ENDS)
def test_the_time_of_thinking_is_the_same_live_replayed_and_reloaded(world: World, ending: str) -> None:
    world.upstream.script(*THINKING, *ENDS[ending])
    sent = world.alice.start()
    live = seconds_in(watch(world, sent))
    assert list(live) == [0], "what took no second is not timed"
    assert 1.0 <= live[0] < 30
    stored = Message.objects.get(pk=sent["reply"])
    assert stored.status == ending
    assert stored.thinking_seconds == {"0": live[0]}
    world.engine.run(forget(sent["generation"]))
    assert seconds_in(watch(world, sent)) == live
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/"
    words = f"Thought for {live[0]:g} s" if live[0] >= 10 else f"Thought for {live[0]:.1f} s"
    assert words in world.alice.get(path, HTTP_ACCEPT="text/html").content.decode()
    copy = conversations.fork(world.alice.user, stored.conversation, stored)
    assert copy.current_leaf is not None
    assert copy.current_leaf.thinking_seconds == stored.thinking_seconds

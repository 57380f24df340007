"""Blocks of an upstream that names things by no text, or means files of ours: the conversation is shown and goes on."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.attachments.given import upload
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Reply
from tests.world import World

ODD: list[dict[str, Any]] = [
    {"type": "tool_use", "name": 5, "id": {}, "input": "x"},
    {"type": "web_search_tool_result", "tool_use_id": ["a"], "content": [5]},
    {"type": "tool_result", "tool_use_id": {"a": 1}, "content": 5},
    {"type": "image", "source": {"type": "attachment", "attachment": "none"}},
    {"type": "image", "source": {"type": "attachment", "attachment": [1]}},
]


def answered_with(world: World, block: dict[str, Any], *, streamed: bool) -> dict[str, Any]:
    first = world.alice.start("Hi")
    world.ended(first)
    if streamed:
        world.upstream.script(
            wire.message_start(), wire.block_start(**block), wire.block_stop(),
            wire.block_start(1), wire.text_delta("Known.", 1), wire.block_stop(1), wire.message_end(),
        )  # fmt: skip
    else:
        content = [block, {"type": "text", "text": "Known."}]
        world.upstream.script(Reply(200, json.dumps({"content": content}).encode()))
    sent = world.alice.send(first["conversation"])
    assert world.ended({**first, **sent}).status == "completed"
    return first


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("block", ODD)
def test_what_names_nothing_is_shown_and_the_conversation_goes_on(
    world: World, block: dict[str, Any], streamed: bool
) -> None:
    first = answered_with(world, block, streamed=streamed)
    for path in (first["url"], f"{first['url']}export/", f"{first['url']}export/?as=json"):
        response = world.alice.client.get(path)
        assert response.status_code == 200 and "Known." in response.content.decode(), path
    more = world.alice.send(first["conversation"], "Go on")
    assert world.ended({**first, **more}).status == "completed"


def test_no_upstream_can_name_a_file_of_ours(world: World) -> None:
    theirs = upload(world.bob, b"a secret of bob", "secret-of-bob.txt")
    for id in (theirs["id"], str(uuid.UUID(theirs["id"]).hex)):
        block = {"type": "document", "source": {"type": "attachment", "attachment": id}}
        first = answered_with(world, block, streamed=True)
        for path in (first["url"], f"{first['url']}export/", f"{first['url']}export/?as=json"):
            assert "secret-of-bob" not in world.alice.client.get(path).content.decode()
        world.ended({**first, **world.alice.send(first["conversation"], "Go on")})
        assert "bob" not in json.dumps(world.asked()[-1].body)

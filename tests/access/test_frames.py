"""Who may send what over a conversation's websocket: every frame times everybody who might try (promise P14)."""

from __future__ import annotations

from typing import get_args

import pytest

from conversations.consumers.commands import Command
from conversations.models import Conversation, Generation
from tests.clients import Refused
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang
from tests.world import World

from .people import PEOPLE, READ, WRITE, open_to, take_part

FRAMES = {"resume": READ, "ack": READ, "stop": WRITE}


def test_every_frame_is_in_the_table() -> None:
    assert {command.__struct_config__.tag for command in get_args(Command)} == FRAMES.keys()


@pytest.mark.parametrize("who", PEOPLE)
def test_each_right_takes_its_frames_and_nothing_else(world: World, who: str) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("A secret"), Hang())
    sent = world.alice.start()
    conversation = Conversation.objects.get(pk=sent["conversation"])
    person = take_part(conversation, world.alice)[who]
    open_to(who, conversation)
    page = world.socket(person, sent["conversation"])
    if READ not in PEOPLE[who]:
        assert page.closed() == 4404
        return
    assert page.frame()["type"] == "conversation"
    page.resume(sent["generation"], 0)
    delta = page.next("content_block_delta")
    assert delta["delta"]["text"] == "A secret"
    page.ack(sent["generation"], delta["seq"])
    page.send({"type": "stop", "generation": sent["generation"]})
    if WRITE in PEOPLE[who]:
        assert page.next("message_stop")["status"] == "stopped"
    else:
        assert page.next("error")["error"]["type"] == "not_found"
        assert not Generation.objects.get(pk=sent["generation"]).stop_requested


@pytest.mark.parametrize("who", ["nobody", "somebody deactivated"])
@pytest.mark.parametrize("place", ["a conversation", "the workspace"])
def test_without_an_account_no_socket_opens(world: World, who: str, place: str) -> None:
    conversation = world.alice.start()["conversation"] if place == "a conversation" else ""
    world.alice.user.is_active = False
    world.alice.user.save()
    with pytest.raises(Refused):
        world.socket(None if who == "nobody" else world.alice, conversation)


@pytest.mark.parametrize("frame", FRAMES)
def test_the_socket_of_the_workspace_takes_none_of_them(world: World, frame: str) -> None:
    sent, _ = world.answer()
    page = world.socket(world.alice)
    page.send({"type": frame, "generation": sent["generation"], "after": 0, "seq": 0})
    assert page.next("error")["error"]["type"] == "bad_request"

"""Who has a conversation open, told to all who have; and pages that close when a right ends."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.live import news
from conversations.models import Participant
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def names(frame: dict[str, Any]) -> list[str]:
    assert all(set(person) == {"id", "name", "initial", "colour"} for person in frame["people"])
    return [person["name"] for person in frame["people"]]


@pytest.fixture
def shared(world: World) -> str:
    """A conversation of alice's in which bob may write."""
    sent, _ = world.answer("Hello")
    id = sent["conversation"]
    assert (
        world.alice.post(f"/conversations/{id}/people/", {"who": "bob", "role": "writer"}).status_code == 201
    )
    return str(id)


def test_two_people_see_each_other_come_and_go(world: World, shared: str) -> None:
    alice = world.socket(world.alice, shared)
    bob = world.socket(world.bob, shared)
    assert names(alice.next("presence")) == ["alice", "bob"]
    assert names(bob.next("presence")) == ["alice", "bob"]
    bob.close()
    assert names(alice.next("presence")) == ["alice"]


def test_a_second_page_of_the_same_person_is_no_second_person(world: World, shared: str) -> None:
    first, second = world.socket(world.alice, shared), world.socket(world.alice, shared)
    bob = world.socket(world.bob, shared)
    for page in (first, second, bob):
        assert names(page.next("presence")) == ["alice", "bob"]
    second.close()
    late = world.socket(world.bob, shared)
    assert names(late.next("presence")) == ["alice", "bob"]
    late.close()
    bob.close()
    assert names(first.next("presence")) == ["alice"]


def test_who_is_alone_hears_nothing(world: World, shared: str) -> None:
    alice = world.socket(world.alice, shared)
    # The title of the first answer may still come.
    with pytest.raises(AssertionError, match="Nothing came"):
        while alice.frame(0.6)["type"] != "presence":
            pass


def test_all_who_have_it_open_see_message_answer_author_and_title(world: World, shared: str) -> None:
    alice = world.socket(world.alice, shared)
    alice.frame()
    sent = world.bob.send(shared, "From bob")
    created = alice.next("message_created")
    assert created["message"]["author"] == {"id": world.bob.user.pk, "name": "bob", "initial": "B"}
    assert created["reply"] == sent["reply"]
    frames = alice.until("message_stop")
    text = "".join(
        frame["delta"].get("text", "") for frame in frames if frame["type"] == "content_block_delta"
    )
    assert text == world.alice.messages(shared)[-1]["content"][0]["text"]
    world.alice.post(f"/conversations/{shared}/rename/", {"title": "Ours"})
    bob = world.socket(world.bob, shared)
    assert bob.frame()["type"] == "conversation"


def test_a_removed_person_is_cut_and_loses_the_entry(world: World, shared: str) -> None:
    bob = world.socket(world.bob, shared)
    everything = world.socket(world.bob)
    bob.frame()
    row = Participant.objects.get(user=world.bob.user)
    assert world.alice.post(f"/conversations/{shared}/people/{row.pk}/remove/").status_code == 200
    assert bob.closed() == 4404
    while (told := everything.next("conversation_updated"))["conversation"].get("deleted") is False:
        pass
    assert told["conversation"] == {"id": shared, "title": "", "archived": False, "deleted": True}


def test_a_new_role_is_told_to_the_open_page(world: World, shared: str) -> None:
    bob = world.socket(world.bob, shared)
    history = f"/conversations/{shared}/history/"
    assert world.bob.client.get(history)["X-May-Write"] == "1"
    row = Participant.objects.get(user=world.bob.user)
    world.alice.post(f"/conversations/{shared}/people/{row.pk}/role/", {"role": "reader"})
    while not bob.next("conversation_updated")["conversation"].get("rights_changed"):
        pass
    assert world.bob.client.get(history)["X-May-Write"] == "0"


def test_reading_on_one_device_is_known_on_the_other(world: World, shared: str) -> None:
    other = world.socket(world.bob)
    world.bob.post(f"/conversations/{shared}/read/")
    while (told := other.next("conversation_updated")["conversation"]).get("unread") is None:
        pass
    assert (told["id"], told["unread"]) == (shared, False)


def test_people_of_another_process_are_present_as_well_and_forgotten_with_it(
    world: World, shared: str
) -> None:
    alice = world.socket(world.alice, shared)
    alice.frame()
    carol = {"id": 10**6, "name": "Carol", "initial": "C", "colour": 3}
    ring = {"present": shared, "process": "another", "people": [carol], "ask": True}
    news.heard([ring])
    assert names(alice.next("presence")) == ["alice", "Carol"]
    news.heard([{**ring, "people": []}])
    assert names(alice.next("presence")) == ["alice"]
    unknown = {**ring, "present": "00000000-0000-0000-0000-000000000000"}
    news.heard([unknown])
    news.heard([ring])
    assert names(alice.next("presence")) == ["alice", "Carol"]

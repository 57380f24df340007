"""Who a conversation is open to, and what those who lose the right still see."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from conversations.models import Conversation, Participant, User
from tests.world import Person, finished, member


@pytest.fixture
def path(alice: Person) -> str:
    """The address of a conversation of alice's with one answer."""
    sent = alice.start("Question")
    finished(sent["generation"], "Answer")
    return f"/conversations/{sent['conversation']}/"


@pytest.mark.parametrize(
    "who", ["bob", "BOB", "@bob", "bob@example.org", "BOB@example.org", "Ёж Robert", "ёж robert", " bob "]
)
def test_a_member_is_added_by_any_of_their_names(alice: Person, bob: Person, path: str, who: str) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="bob@example.org", display_name="Ёж Robert")
    assert bob.get(path).status_code == 404
    assert alice.post(path + "people/", {"who": who, "role": "reader"}).status_code == 201
    assert bob.get(path).status_code == 200


@pytest.mark.parametrize(
    "who",
    ["", "nobody", "bo", "b%", "b.b", "carol", "alice", "bob\x00x", pytest.param("b" * 60_000, id="long")],
)
def test_nobody_else_is_added(alice: Person, bob: Person, path: str, who: str) -> None:
    member("carol", is_active=False)
    response = alice.post(path + "people/", {"who": who, "role": "reader"})
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request")  # type: ignore[attr-defined]
    assert not Participant.objects.exists()


def test_two_people_of_one_name_are_told_apart_by_their_user_names(
    alice: Person, bob: Person, path: str
) -> None:
    member("robert", display_name="Rob")
    User.objects.filter(pk=bob.user.pk).update(display_name="Rob")
    assert alice.post(path + "people/", {"who": "Rob", "role": "reader"}).status_code == 400
    assert alice.post(path + "people/", {"who": "robert", "role": "reader"}).status_code == 201


def test_adding_somebody_again_changes_what_they_may_do(alice: Person, bob: Person, path: str) -> None:
    alice.post(path + "people/", {"who": "bob", "role": "reader"})
    assert bob.post(path + "messages/", {"text": "Hi"}).status_code == 404
    alice.post(path + "people/", {"who": "bob", "role": "writer"})
    assert bob.post(path + "messages/", {"text": "Hi"}).status_code == 201
    assert Participant.objects.count() == 1


def test_a_group_brings_in_who_is_in_it_now_and_later(alice: Person, bob: Person, path: str) -> None:
    group = Group.objects.create(name="Harbour")
    added = alice.post(
        path + "people/", {"group": group.pk, "role": "reader"}, content_type="application/json"
    )
    assert added.status_code == 201
    assert bob.get(path).status_code == 404
    bob.user.groups.add(group)
    assert bob.get(path).status_code == 200


def test_roles_change_and_end(alice: Person, bob: Person, path: str) -> None:
    id = alice.post(path + "people/", {"who": "bob", "role": "writer"}).json()["participant"]  # type: ignore[attr-defined]
    assert alice.post(f"{path}people/{id}/role/", {"role": "reader"}).status_code == 200
    assert bob.post(path + "messages/", {"text": "Hi"}).status_code == 404
    assert alice.post(f"{path}people/{id}/role/", {"role": "god"}).status_code == 400
    assert alice.post(f"{path}people/{id}/remove/").status_code == 200
    assert bob.get(path).status_code == 404


def test_the_whole_workspace_may_read_and_then_no_longer(alice: Person, bob: Person, path: str) -> None:
    assert alice.post(path + "visibility/", {"visibility": "workspace"}).status_code == 200
    assert bob.get(path).status_code == 200
    assert bob.post(path + "messages/", {"text": "Hi"}).status_code == 404
    assert alice.post(path + "visibility/", {"visibility": "public"}).status_code == 400
    assert alice.post(path + "visibility/", {"visibility": "private"}).status_code == 200
    assert bob.get(path).status_code == 404


def test_one_leaves_by_oneself(alice: Person, bob: Person, path: str) -> None:
    alice.post(path + "people/", {"who": "bob", "role": "writer"})
    assert bob.post(path + "leave/").status_code == 200
    assert bob.get(path).status_code == 404


def test_a_participant_of_another_conversation_is_out_of_reach(alice: Person, bob: Person, path: str) -> None:
    theirs = Conversation.objects.create(owner=bob.user)
    row = Participant.objects.create(conversation=theirs, user=alice.user, role="writer")
    assert alice.post(f"{path}people/{row.pk}/role/", {"role": "owner"}).status_code == 404
    row.refresh_from_db()
    assert row.role == "writer"


def test_the_panel_offers_changes_to_owners_alone(alice: Person, bob: Person, path: str) -> None:
    alice.post(path + "people/", {"who": "bob", "role": "reader"})
    html = {"HTTP_ACCEPT": "text/html"}
    owners = alice.get(path + "people/", **html).content.decode()
    readers = bob.get(path + "people/", **html).content.decode()
    assert "Add somebody" in owners and "Link to a snapshot" in owners
    assert "Add somebody" not in readers and "Link to a snapshot" not in readers
    assert "alice" in readers and "Leave this conversation" in readers
    assert "@" not in owners.replace("csrfmiddlewaretoken", "")


def test_the_list_offers_archive_and_delete_to_owners_alone(alice: Person, bob: Person, path: str) -> None:
    group = Group.objects.create(name="Harbour")
    group.user_set.add(bob.user)
    alice.post(path + "people/", {"who": "bob", "role": "writer"})

    def offered(person: Person) -> bool:
        shown = person.client.get("/conversations/").content.decode()
        assert path in shown
        return "entry-menu" in shown

    assert offered(alice) and not offered(bob)
    bob.start("His own")
    assert offered(bob)
    Conversation.objects.filter(owner=bob.user).delete()
    alice.post(path + "people/", {"group": group.pk, "role": "owner"})
    assert offered(bob)


def test_each_message_shows_its_author_to_the_others(alice: Person, bob: Person, path: str) -> None:
    alice.post(path + "people/", {"who": "bob", "role": "writer"})
    finished(bob.post(path + "messages/", {"text": "From bob"}).json()["generation"])  # type: ignore[attr-defined]
    page = alice.get(path, HTTP_ACCEPT="text/html").content.decode()
    assert page.count('class="message__author"') == 1
    assert page.index("message__author") < page.index("From bob")

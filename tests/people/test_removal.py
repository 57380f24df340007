"""An account goes for good: what stays of it, what ends with it, and whom nobody can remove."""

from __future__ import annotations

import logging
import uuid
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from conversations.actions import asking, erasure, messages, removal, sharing
from conversations.models import (
    AuditEvent,
    Conversation,
    Generation,
    Invitation,
    Message,
    Participant,
    ShareLink,
    UsageRecord,
    User,
)
from tests.beside import beside
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang
from tests.world import Person, World, finished, long_conversation, member


def remove(by: Person, person: Person, keep: str = "nothing", **fields: Any) -> int:
    data = {"keep": keep, "confirm": person.user.username, **fields}
    return by.post(f"/people/{person.user.pk}/remove/", data).status_code


@pytest.fixture
def owned(alice: Person, bob: Person) -> dict[str, Conversation]:
    """Conversations of alice's: nobody else's, open to bob, open to everybody, deleted; and one of bob's."""
    found = {}
    for name in ("private", "shared", "workspace", "deleted"):
        sent = alice.start(f"In {name}")
        finished(sent["generation"])
        found[name] = Conversation.objects.get(pk=sent["conversation"])
    Participant.objects.create(conversation=found["shared"], user=bob.user, role="writer")
    Conversation.objects.filter(pk=found["workspace"].pk).update(visibility="workspace")
    alice.post(f"/conversations/{found['deleted'].pk}/delete/")
    sent = bob.start("In bob's")
    finished(sent["generation"])
    found["bob's"] = Conversation.objects.get(pk=sent["conversation"])
    Participant.objects.create(conversation=found["bob's"], user=alice.user, role="writer")
    finished(alice.send(sent["conversation"], "From alice")["generation"])
    return found


@pytest.mark.parametrize(
    ("keep", "stay"),
    [
        ("shared", {"shared", "workspace", "bob's"}),
        ("all", {"private", "shared", "workspace", "bob's"}),
        ("nothing", {"bob's"}),
    ],
)
def test_conversations_go_or_stay_as_was_chosen(
    administrator: Person,
    alice: Person,
    bob: Person,
    owned: dict[str, Conversation],
    keep: str,
    stay: set[str],
) -> None:
    calls = UsageRecord.objects.count()
    assert remove(administrator, alice, keep, heir=bob.user.pk) == 200
    assert not User.objects.filter(pk=alice.user.pk).exists()
    rows = {name: Conversation.objects.filter(pk=row.pk).first() for name, row in owned.items()}
    assert {name for name, row in rows.items() if row is not None} == stay
    assert {row.owner for row in rows.values() if row is not None} == {bob.user}
    assert UsageRecord.objects.count() == calls
    for name in stay:
        messages = bob.messages(str(owned[name].pk))
        assert [message["status"] for message in messages] == ["completed"] * len(messages)
        page = bob.get(f"/conversations/{owned[name].pk}/", HTTP_ACCEPT="text/html").content.decode()
        assert "Removed account" in page
    assert not Participant.objects.filter(user=bob.user, conversation__owner=bob.user).exists()
    event = AuditEvent.objects.get(act="person_removed")
    handed_over = len(stay) - 1
    assert (event.actor, event.detail["name"]) == (administrator.user, "alice")
    assert event.detail["conversations_handed_over"] == handed_over
    assert event.detail["conversations_deleted"] == 3 - handed_over
    assert event.detail["to"] == ("bob" if handed_over else None)


def test_an_answer_that_goes_on_is_asked_for_with_what_stays(
    administrator: Person, alice: Person, bob: Person, owned: dict[str, Conversation]
) -> None:
    remove(administrator, alice, "shared", heir=bob.user.pk)
    bob.send(str(owned["shared"].pk), "I go on")
    assert Generation.objects.live().get().requested_by == bob.user


@pytest.mark.parametrize(
    "fields",
    [
        {"confirm": "Alice"},
        {"confirm": ""},
        {"keep": "something"},
        {"keep": "shared"},
        {"keep": "all", "heir": "alice"},
        {"keep": "all", "heir": "carl"},
    ],
)
def test_what_is_not_meant_removes_nobody(
    administrator: Person, alice: Person, fields: dict[str, Any]
) -> None:
    member("carl", is_active=False)
    if "heir" in fields:
        fields = fields | {"heir": User.objects.get(username=fields["heir"]).pk}
    assert remove(administrator, alice, **fields) == 400
    assert alice.get("/").status_code == 200
    assert not AuditEvent.objects.filter(act="person_removed").exists()


def test_nobody_removes_themselves(administrator: Person, bob: Person) -> None:
    assert remove(administrator, administrator) == 400
    page = administrator.get(f"/people/{administrator.user.pk}/", HTTP_ACCEPT="text/html").content.decode()
    assert "/remove/" not in page
    path = f"/admin/conversations/user/{administrator.user.pk}/delete/"
    refused = administrator.client.post(path, {"post": "yes"})
    assert (refused.status_code, b"You cannot delete your own account" in refused.content) == (400, True)
    assert User.objects.filter(pk=administrator.user.pk).exists()


def test_the_records_remove_as_the_page_does(
    administrator: Person,
    alice: Person,
    bob: Person,
    owned: dict[str, Conversation],
    django_capture_on_commit_callbacks: Any,
) -> None:
    path = f"/admin/conversations/user/{alice.user.pk}/delete/"
    with django_capture_on_commit_callbacks(execute=True):
        assert administrator.client.post(path, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.user.pk).exists()
    assert AuditEvent.objects.filter(act="person_removed").exists()
    assert set(Conversation.objects.all()) == {owned["bob's"]}
    assert Message.objects.filter(conversation=owned["bob's"]).count() == 4


def test_sessions_invitations_and_links_of_what_goes_end(
    administrator: Person, alice: Person, bob: Person, owned: dict[str, Conversation]
) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    alice.post("/people/invitations/", {"role": "administrator", "days": "7"})
    sharing.create_link(alice.user, owned["private"], None, 7, public=False)
    assert remove(administrator, alice, "shared", heir=administrator.user.pk) == 200
    assert alice.get("/").status_code == 401
    assert Invitation.objects.get().state == "revoked"
    assert not ShareLink.objects.exists()


class Dies(BaseException):
    """What a process does between two transactions when it is killed."""


def test_a_removal_that_broke_off_shows_nothing_and_is_finished_by_the_sweeper(
    administrator: Person,
    alice: Person,
    bob: Person,
    owned: dict[str, Conversation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(_: float) -> None:
        raise Dies

    calls = UsageRecord.objects.count()
    monkeypatch.setattr(erasure, "SECONDS", 0)
    monkeypatch.setattr(erasure, "ROWS", 3)
    with monkeypatch.context() as killed:
        killed.setattr(erasure, "sleep", die)
        with pytest.raises(Dies):
            remove(administrator, alice, "shared", heir=bob.user.pk)
    assert Message.objects.filter(conversation=owned["private"]).exists() or (
        Message.objects.filter(conversation=owned["deleted"]).exists()
    ), "it is half done"
    assert alice.get("/").status_code == 401
    assert administrator.post(f"/people/{alice.user.pk}/act/", {"act": "reactivate"}).status_code == 400
    assert bob.get(f"/conversations/{owned['shared'].pk}/").status_code == 200
    removal.finish_broken_off()
    assert User.objects.filter(pk=alice.user.pk).exists(), "it may still be under way"
    removal.finish_broken_off(timezone.now() + removal.BROKEN_OFF)
    assert not User.objects.filter(pk=alice.user.pk).exists()
    assert set(Conversation.objects.all()) == {owned[name] for name in ("shared", "workspace", "bob's")}
    assert UsageRecord.objects.count() == calls
    assert AuditEvent.objects.filter(act="person_removed").count() == 1


def test_a_removal_that_broke_off_goes_on_when_it_is_repeated(
    administrator: Person, alice: Person, bob: Person, owned: dict[str, Conversation]
) -> None:
    removal.begin(administrator.user, alice.user, "shared", bob.user)
    assert remove(administrator, alice, "nothing") == 200
    assert not User.objects.filter(pk=alice.user.pk).exists()
    # What was chosen first is done already.
    assert Conversation.objects.filter(pk=owned["shared"].pk, owner=bob.user).exists()


def test_what_is_much_goes_a_little_at_a_time(
    administrator: Person, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_conversation(alice.user, 30)
    left = [Message.objects.count()]
    monkeypatch.setattr(erasure, "SECONDS", 0)
    monkeypatch.setattr(erasure, "ROWS", 7)
    monkeypatch.setattr(erasure, "sleep", lambda _: left.append(Message.objects.count()))
    assert remove(administrator, alice) == 200
    assert left[-1] == 0
    assert max(before - after for before, after in pairwise(left)) == 7


def test_running_answers_end_and_are_in_the_ledger(administrator: Person, alice: Person, bob: Person) -> None:
    own = alice.start("My own")
    elsewhere = bob.start("Bob's")
    finished(elsewhere["generation"])
    Participant.objects.create(
        conversation_id=elsewhere["conversation"], user=alice.user, role=Participant.Role.WRITER
    )
    alice.send(elsewhere["conversation"], "Alice asks")
    assert remove(administrator, alice) == 200
    assert not Generation.objects.live().exists()
    assert not Conversation.objects.filter(pk=own["conversation"]).exists()
    assert bob.messages(elsewhere["conversation"])[-1]["status"] == "stopped"
    assert sorted(UsageRecord.objects.values_list("status", flat=True)) == ["completed", "stopped", "stopped"]


@pytest.mark.django_db(transaction=True)
def test_sockets_close_and_the_provider_is_left(world: World, caplog: pytest.LogCaptureFixture) -> None:
    boss = member("boss", is_staff=True, is_superuser=True)
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Hi"), Hang())
    sent = world.alice.start("To be cut off")
    Participant.objects.create(
        conversation_id=sent["conversation"], user=world.bob.user, role=Participant.Role.READER
    )
    own, others = (
        world.socket(world.alice, sent["conversation"]),
        world.socket(world.bob, sent["conversation"]),
    )
    for page in (own, others):
        page.frame()
        page.resume(sent["generation"], 0)
        page.next("content_block_delta")
    call = world.upstream.calls[-1]
    with caplog.at_level(logging.WARNING):
        assert remove(boss, world.alice) == 200
        assert (own.closed(), others.closed()) == (4401, 4404)
        assert world.engine.run(call.ended())
    assert [record.message for record in caplog.records] == []
    assert [row.status for row in UsageRecord.objects.all()] == ["stopped"]


@pytest.mark.django_db(transaction=True)
def test_who_gets_all_conversations_hears_of_each_at_once(world: World) -> None:
    boss = member("boss", is_staff=True, is_superuser=True)
    sent, _ = world.answer()
    page = world.socket(world.bob)
    assert remove(boss, world.alice, "all", heir=world.bob.user.pk) == 200
    told = page.next("conversation_updated")["conversation"]
    assert (told["id"], told["deleted"]) == (sent["conversation"], False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_an_administrator_who_writes_in_a_conversation_while_its_owner_is_removed_holds_up_neither(
    administrator: Person, alice: Person, bob: Person
) -> None:
    sent = alice.start()
    finished(sent["generation"])
    conversation = Conversation.objects.get(pk=sent["conversation"])
    dora, client_id = member("dora", is_staff=True, is_superuser=True).user, uuid.uuid4()
    Participant.objects.create(conversation=conversation, user=dora, role="writer")

    def remove() -> None:
        removal.begin(administrator.user, alice.user, removal.Keep.ALL, bob.user)

    with beside(
        remove, then=lambda: messages.send(dora, conversation, "Go on", client_id, owner="me")
    ) as removed:
        # As a send begins.
        asking.hold_sender(dora)
    assert removed == [None]
    assert Message.objects.filter(author=dora, conversation__owner=bob.user).exists()

"""After so many days without a message a conversation goes for good, with its messages and files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection
from django.utils import timezone

from conversations.actions import attachments, retention
from conversations.generation import sweeper
from conversations.models import (
    Attachment,
    AuditEvent,
    Conversation,
    Message,
    StoredFile,
    UsageRecord,
    Workspace,
)
from tests.attachments.given import upload
from tests.world import Person, finished


def old(person: Person, days: int, **fields: Any) -> str:
    """A conversation that was answered so many days ago."""
    sent = person.start("Question", **fields)
    finished(sent["generation"])
    at = timezone.now() - timedelta(days=days)
    Conversation.objects.filter(pk=sent["conversation"]).update(updated_at=at)
    return str(sent["conversation"])


def test_without_a_limit_everything_is_kept(alice: Person) -> None:
    old(alice, 5000)
    assert retention.expire() == 0
    assert Conversation.objects.count() == 1


def test_what_is_too_old_goes_with_its_messages_and_files(alice: Person) -> None:
    Workspace.objects.create(pk=1, retention_days=30)
    gone = old(alice, 31, attachments=[upload(alice)["id"]])
    kept = old(alice, 29)
    stored = list(StoredFile.objects.values_list("file", flat=True))
    calls = UsageRecord.objects.count()
    assert retention.expire() == 1
    assert [str(pk) for pk in Conversation.objects.values_list("pk", flat=True)] == [kept]
    assert {str(pk) for pk in Message.objects.values_list("conversation", flat=True)} == {kept}
    assert not Attachment.objects.exists()
    assert UsageRecord.objects.count() == calls
    attachments.sweep(timezone.now() + timedelta(days=1))
    assert stored and not any(default_storage.exists(name) for name in stored)
    event = AuditEvent.objects.get(act="conversations_expired")
    assert (event.actor, event.detail) == (None, {"count": 1, "days": 30})
    assert alice.get(f"/conversations/{gone}/").status_code == 404


def test_more_than_one_transaction_takes_at_once_go_too(alice: Person) -> None:
    Workspace.objects.create(pk=1, retention_days=1)
    then = timezone.now() - timedelta(days=2)
    many = [Conversation(owner=alice.user, updated_at=then) for _ in range(2 * retention.TOGETHER + 1)]
    Conversation.objects.bulk_create(many)
    assert retention.expire() == len(many)
    told = AuditEvent.objects.filter(act="conversations_expired").order_by("pk")
    assert [event.detail["count"] for event in told] == [retention.TOGETHER, retention.TOGETHER, 1]


def test_what_another_process_has_begun_to_erase_is_left_to_it(alice: Person) -> None:
    """Every process sweeps, several at the same time: each conversation is counted once."""
    Workspace.objects.create(pk=1, retention_days=1)
    Conversation.objects.filter(pk=old(alice, 2)).update(deleted_at=timezone.now())
    assert retention.expire() == 0
    assert not AuditEvent.objects.filter(act="conversations_expired").exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_being_erased_is_not_taken_back_and_goes_also_when_that_process_dies(alice: Person) -> None:
    Workspace.objects.create(pk=1, retention_days=1)
    id = old(alice, 2)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER dies BEFORE DELETE ON conversations_message BEGIN SELECT RAISE(ABORT, 'dead'); END"
        )
        try:
            with pytest.raises(IntegrityError, match="dead"):
                retention.expire()
        finally:
            cursor.execute("DROP TRIGGER dies")
    assert alice.post(f"/conversations/{id}/restore/").status_code == 404
    assert AuditEvent.objects.get(act="conversations_expired").detail == {"count": 1, "days": 1}
    retention.erase_deleted()
    assert not Conversation.objects.exists()


def test_an_answer_that_runs_is_let_end(alice: Person) -> None:
    Workspace.objects.create(pk=1, retention_days=1)
    sent = alice.start("Still asking")
    Conversation.objects.update(updated_at=timezone.now() - timedelta(days=9))
    assert retention.expire() == 0
    finished(sent["generation"])
    Conversation.objects.update(updated_at=timezone.now() - timedelta(days=9))
    assert retention.expire() == 1


def test_what_somebody_deleted_goes_when_it_cannot_be_taken_back_any_more(
    alice: Person, bob: Person, settings: Any
) -> None:
    gone, kept = (old(alice, 0, attachments=[upload(alice)["id"]]) for _ in range(2))
    calls = UsageRecord.objects.count()
    for id in (gone, kept):
        assert alice.post(f"/conversations/{id}/delete/").status_code == 200
    for seconds in (settings.DELETED_SECONDS, settings.DELETED_SECONDS + retention.UNDER_WAY_SECONDS):
        assert Conversation.objects.filter(pk=gone).exists(), (
            "whoever takes it back in the last second has it"
        )
        long_ago = timezone.now() - timedelta(seconds=seconds)
        Conversation.objects.filter(pk=gone).update(deleted_at=long_ago)
        assert alice.post(f"/conversations/{gone}/restore/").status_code == 404
        retention.erase_deleted()
    assert [str(pk) for pk in Conversation.objects.values_list("pk", flat=True)] == [kept]
    assert {str(pk) for pk in Message.objects.values_list("conversation", flat=True)} == {kept}
    assert Attachment.objects.count() == 1
    assert UsageRecord.objects.count() == calls
    assert alice.post(f"/conversations/{kept}/restore/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_erases_what_was_deleted(alice: Person) -> None:
    alice.post(f"/conversations/{old(alice, 0)}/delete/")
    Conversation.objects.update(deleted_at=timezone.now() - timedelta(days=1))
    sweeper.sweep()
    assert not Conversation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_takes_the_sessions_that_have_expired(alice: Person, bob: Person) -> None:
    """A server that runs for months is not started anew for them. Their devices go as well: those are addresses."""
    for person in (alice, bob):
        UserSession.objects.update_or_create(
            session_key=person.client.session.session_key, defaults={"user": person.user, "ip": "192.0.2.1"}
        )
    Session.objects.filter(pk=bob.client.session.session_key).update(expire_date=timezone.now())
    sweeper.sweep()
    kept = alice.client.session.session_key
    assert [session.pk for session in Session.objects.all()] == [kept]
    assert [device.session_key for device in UserSession.objects.all()] == [kept]


def test_the_administrator_says_how_long(administrator: Person) -> None:
    form = {"name": "Ours", "retention_days": "90"}
    assert administrator.post("/workspace/", form).status_code == 200
    assert Workspace.objects.current().retention_days == 90
    assert administrator.post("/workspace/", {**form, "retention_days": "0"}).status_code == 400
    assert administrator.post("/workspace/", {"name": "Ours"}).status_code == 200
    assert Workspace.objects.current().retention_days is None

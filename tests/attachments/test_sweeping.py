"""What nobody needs goes: uploads that were never sent, bytes without references, what a crash left behind."""

from __future__ import annotations

import hashlib
import io
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from conversations.actions import attachments, stored_files, uploads
from conversations.generation import sweeper
from conversations.models import Attachment, Conversation, StoredFile, Workspace
from tests.world import Person

from .given import attached, content, png, stored_file, upload

HOURS_25 = timedelta(hours=25)
HOURS_2 = timedelta(hours=2)


def test_uploads_that_nobody_sent_go_after_a_day_with_their_bytes(alice: Person) -> None:
    kept, old, fresh = (upload(alice, png(side, side)) for side in (50, 60, 70))
    alice.start("Look", attachments=[kept["id"]])
    long_ago = timezone.now() - HOURS_25
    Attachment.objects.filter(pk__in=[old["id"], kept["id"]]).update(created_at=long_ago)
    StoredFile.objects.update(created_at=long_ago)
    before = set(StoredFile.objects.values_list("file", flat=True))
    said = io.StringIO()
    call_command("sweep_attachments", stdout=said)
    assert said.getvalue() == "2 stored files removed.\n"
    assert alice.get(old["url"]).status_code == 404
    for file in (kept, fresh):
        assert content(alice.get(file["url"])) and content(alice.get(file["thumbnail_url"]))
    gone = before - set(StoredFile.objects.values_list("file", flat=True))
    assert len(gone) == 2 and not any(default_storage.exists(name) for name in gone)


@pytest.mark.django_db(transaction=True)
def test_a_part_of_the_cleaning_that_fails_does_not_keep_the_others_from_it(alice: Person) -> None:
    old = upload(alice, png())
    Attachment.objects.update(created_at=timezone.now() - HOURS_25)
    # Longer ago than dates reach.
    Workspace.objects.update_or_create(pk=1, defaults={"retention_days": 1_000_000_000})
    sweeper.sweep()
    assert alice.get(old["url"]).status_code == 404


def test_a_crash_between_row_and_bytes_leaves_nothing_behind(alice: Person) -> None:
    hour = timezone.now() - timedelta(hours=1)
    # One stopped before the bytes, the other before the mark that they are whole.
    sha256 = hashlib.sha256(png()).hexdigest()
    StoredFile.objects.create(
        sha256=sha256, size=1, media_type="image/png", file="attachments/x/y", created_at=hour
    )
    half = stored_file(b"half")
    StoredFile.objects.filter(pk=half.pk).update(complete=False, created_at=hour)
    body = upload(alice, png())
    assert attachments.sweep() == 2
    assert not default_storage.exists(str(half.file))
    assert content(alice.get(body["url"]))


def test_bytes_that_were_cleaned_away_meanwhile_are_stored_again(db: None, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"bytes")
    found = stored_files.stored(path, "text/plain", None, None)
    assert stored_files.settled(found).complete
    reused = stored_files.stored(path, "text/plain", None, None)
    assert reused.pk == found.pk
    attachments.sweep(timezone.now() + HOURS_2)
    with pytest.raises(stored_files.Vanished):
        stored_files.settled(reused)
    assert stored_files.settled(stored_files.stored(path, "text/plain", None, None)).complete


def test_equal_bytes_that_were_stored_at_the_same_time_become_one(db: None, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"bytes")
    one = stored_files.stored(path, "text/plain", None, None)
    two = stored_files.stored(path, "text/plain", None, None)
    assert one.pk != two.pk
    assert stored_files.settled(one).pk == stored_files.settled(two).pk == one.pk


def test_deleting_a_conversation_for_ever_frees_its_files(alice: Person) -> None:
    sent = alice.start("Look", attachments=[upload(alice)["id"]])
    Conversation.objects.get(pk=sent["conversation"]).delete()
    attachments.sweep(timezone.now() + HOURS_2)
    assert not StoredFile.objects.exists()


def test_files_in_anothers_conversation_stay_when_the_person_who_gave_them_goes(
    alice: Person, bob: Person
) -> None:
    conversation = Conversation.objects.create(owner=bob.user)
    file, unsent = attached(alice.user, conversation), attached(alice.user)
    alice.user.delete()
    assert content(bob.get(f"/attachments/{file.pk}/"))
    attachments.sweep(timezone.now() + HOURS_25)
    assert not Attachment.objects.filter(pk=unsent.pk).exists()
    assert content(bob.get(f"/attachments/{file.pk}/"))


def test_left_over_work_goes_and_running_work_stays(db: None) -> None:
    with uploads.work_folder() as folder:
        leftover = folder.parent / f"left-{uuid.uuid4()}"
        leftover.mkdir()
        half = folder.parent / "half.upload"
        half.write_bytes(b"half a file")
        old = time.time() - 7200
        for path in (leftover, half):
            os.utime(path, (old, old))
        attachments.sweep()
        assert folder.exists() and not leftover.exists() and not half.exists()

"""A person takes along all that is theirs, and nothing of anybody else."""

from __future__ import annotations

import errno
import gc
import io
import json
import shutil
import warnings
from pathlib import Path
from typing import Any, NoReturn
from zipfile import ZipFile

import pytest

from conversations.models import AuditEvent, Conversation, Participant, StoredFile
from tests.attachments.given import content, png, upload
from tests.world import Person, finished


def archive(person: Person) -> ZipFile:
    answer = person.post("/account/data/")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="{person.user.username}.zip"'
    return ZipFile(io.BytesIO(content(answer)))


def read(found: ZipFile, name: str) -> Any:
    return json.loads(found.read(name))


def test_it_holds_the_conversations_with_all_branches_and_the_files(alice: Person) -> None:
    data = png(30, 20)
    picture = upload(alice, data, "pier.png")
    sent = alice.start("First wording", attachments=[picture["id"]])
    finished(sent["generation"], "An answer")
    edited = alice.post(
        f"/conversations/{sent['conversation']}/messages/{sent['message']}/edit/",
        {"text": "Second wording", "client_id": "6f1c1a3e-33f4-4a0e-9d5c-5a4a5f7c2b11"},
    )
    assert edited.status_code == 201
    found = archive(alice)
    conversation = read(found, f"conversations/{sent['conversation']}.json")
    texts = [block.get("text") for row in conversation["messages"] for block in row["content"]]
    assert {"First wording", "Second wording", "An answer"} <= set(texts)
    (file,) = read(found, "files.json")
    assert (file["name"], found.read(file["path"])) == ("pier.png", data)
    assert read(found, "account.json")["username"] == "alice"
    assert AuditEvent.objects.filter(act="data_exported", actor=alice.user).count() == 1


def test_a_copy_of_a_conversation_comes_with_its_files(alice: Person) -> None:
    given = upload(alice, name="pier.png")
    alice.post(f"/attachments/{given['id']}/alt/", {"alt": "A pier at low tide"})
    sent = alice.start("Look", attachments=[given["id"]])
    finished(sent["generation"])
    copy = alice.post(f"/conversations/{sent['conversation']}/messages/{sent['reply']}/fork/").json()  # type: ignore[attr-defined]
    Conversation.objects.get(pk=sent["conversation"]).delete()
    found = archive(alice)
    (file,) = read(found, "files.json")
    block = read(found, f"conversations/{copy['conversation']}.json")["messages"][0]["content"][0]
    assert file["id"] == block["source"]["attachment"]
    assert (file["alt"], found.read(file["path"])) == ("A pier at low tide", png())


def test_of_others_it_holds_only_what_the_person_wrote(alice: Person, bob: Person) -> None:
    sent = alice.start("A question of alice's")
    finished(sent["generation"], "An answer")
    Participant.objects.create(conversation_id=sent["conversation"], user=bob.user, role="writer")
    upload(alice)
    bob.send(sent["conversation"], "A word of bob's")
    found = archive(bob)
    (row,) = read(found, "written-elsewhere.json")
    assert row["content"] == [{"type": "text", "text": "A word of bob's"}]
    assert sorted(found.namelist()) == ["account.json", "files.json", "written-elsewhere.json"]
    assert not any(b"alice" in found.read(name) for name in found.namelist())


def test_a_file_that_the_storage_has_lost_is_named(alice: Person) -> None:
    upload(alice, name="lost.png")
    for stored in StoredFile.objects.all():
        stored.file.storage.delete(str(stored.file))
    found = archive(alice)
    (file,) = read(found, "files.json")
    assert (file["name"], file["path"]) == ("lost.png", None)


def test_an_archive_for_which_the_disk_has_no_room_calls_no_file_lost(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    upload(alice)
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space"):
        archive(alice)
    assert not AuditEvent.objects.filter(act="data_exported").exists()
    monkeypatch.undo()
    archive(alice)


def test_a_person_has_one_archive_at_a_time(alice: Person, bob: Person) -> None:
    """It takes a thread while it is made, and room on the disk until it has been fetched."""
    first = alice.post("/account/data/")
    second = alice.post("/account/data/")
    assert (second.status_code, second.json()["error"]["type"]) == (409, "busy")  # type: ignore[attr-defined]
    archive(bob)
    assert content(first)
    archive(alice)


def test_an_archive_that_nobody_takes_is_not_waited_for(alice: Person) -> None:
    """Its request was cancelled: nobody closes the response."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        alice.post("/account/data/")
        gc.collect()
    archive(alice)


def test_an_archive_waits_in_the_data_folder(alice: Person, settings: Any, tmp_path: Path) -> None:
    """The system's folder may be memory."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "none"
    with pytest.raises(FileNotFoundError):
        archive(alice)

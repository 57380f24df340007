"""POST /attachments/: the contract's answer, refusals, quota, storing once, taking back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from conversations.actions import attachments
from conversations.models import Attachment, StoredFile
from tests import full_disk, patience
from tests.beside import beside
from tests.world import JSON, Person, answering, member

from .given import content, encoded, picture, png, post, upload
from .hostile import pdf_of_pages, with_exif


def test_a_picture_is_described_as_the_contract_says(alice: Person) -> None:
    body = upload(alice, encoded(picture(2000, 1000)), "Holiday in Rome.png")
    id = body["id"]
    assert body == {
        "id": id, "name": "Holiday in Rome.png", "media_type": "image/png", "width": 2000, "height": 1000,
        "pages": None, "size": body["size"], "tokens": 56 * 28, "url": f"/attachments/{id}/",
        "thumbnail_url": f"/attachments/{id}/thumbnail/",
    }  # fmt: skip
    assert len(content(alice.get(body["url"]))) == body["size"]


def test_width_and_height_are_those_of_the_upright_picture(alice: Person) -> None:
    body = upload(alice, with_exif("JPEG", 6), "a.jpg")
    assert (body["width"], body["height"]) == (40, 60)


@pytest.mark.parametrize(
    ("data", "name", "media_type", "pages"),
    [
        (pdf_of_pages(2), "a.pdf", "application/pdf", 2),
        (b"# Title\n", "a.md", "text/markdown", None),
        (b"a;b\n=1;2\n", "a.csv", "text/csv", None),
        (b'{"a": 1}', "a.json", "application/json", None),
        (b"print()\n", "a.py", "text/plain", None),
    ],
)
def test_a_document_is_stored_byte_for_byte(
    data: bytes, name: str, media_type: str, pages: int | None, alice: Person
) -> None:
    body = upload(alice, data, name)
    assert (body["media_type"], body["pages"], body["size"]) == (media_type, pages, len(data))
    assert body["thumbnail_url"] is None and body["width"] is None and body["tokens"] > 0
    assert content(alice.get(body["url"])) == data
    assert alice.get(f"/attachments/{body['id']}/thumbnail/").status_code == 404


@pytest.mark.parametrize("size", [100, 3 << 20])
def test_small_and_large_uploads_take_the_same_way(size: int, alice: Person) -> None:
    assert upload(alice, b"a" * size, "a.txt")["size"] == size


def test_a_file_of_the_limit_is_taken_and_one_byte_more_is_not(alice: Person, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES = 1000
    upload(alice, b"a" * 1000, "a.txt")
    response = post(alice, b"a" * 1001, "a.txt")
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "too_large"


def test_the_sentence_names_both_sizes(alice: Person, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES = 1 << 20
    assert post(alice, bytes(2 << 20)).json()["error"]["message"] == "This file is 2 MB; the limit is 1 MB."
    just_over = post(alice, bytes((1 << 20) + 1)).json()["error"]["message"]
    assert just_over == "This file is more than 1 MB; the limit is 1 MB."


def test_refusals_are_json_for_browsers_too(alice: Person) -> None:
    response = alice.client.post("/attachments/", {})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request"  # type: ignore[attr-defined]


def test_one_file_a_request(alice: Person) -> None:
    for count in (2, 1000):
        many = [SimpleUploadedFile("a.png", png()) for _ in range(count)]
        assert alice.post("/attachments/", {"file": many}).status_code == 400
    assert alice.post("/attachments/", {"file": "no file"}).status_code == 400
    assert not Attachment.objects.exists()


def test_only_signed_in_people_with_a_token_may_upload(alice: Person) -> None:
    assert Client().post("/attachments/", {}, **JSON).status_code == 401
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post("/attachments/", {}, **JSON).status_code == 403
    assert alice.get("/attachments/").status_code == 405


def test_the_same_file_is_stored_once_whoever_gives_it(alice: Person, bob: Person) -> None:
    first = upload(alice, png())
    files = StoredFile.objects.count()
    second = upload(bob, png(), "other.png")
    assert StoredFile.objects.count() == files
    assert first["id"] != second["id"]
    # Nothing tells that somebody else has it: it counts in full for bob, too.
    assert {**first, "id": "", "name": "", "url": "", "thumbnail_url": ""} == {
        **second, "id": "", "name": "", "url": "", "thumbnail_url": ""
    }  # fmt: skip
    assert Attachment.objects.get(uploader=bob.user).size == first["size"]


def test_taking_it_back_leaves_the_others_copy(alice: Person, bob: Person) -> None:
    mine, theirs = upload(alice), upload(bob)
    assert alice.client.delete(mine["url"], **JSON).status_code == 204
    attachments.sweep(timezone.now() + timedelta(hours=2))
    assert alice.get(mine["url"]).status_code == 404
    assert content(bob.get(theirs["url"]))


def test_nobody_takes_back_what_is_anothers_or_was_sent(alice: Person, bob: Person) -> None:
    mine = upload(alice)
    assert bob.client.delete(mine["url"], **JSON).status_code == 404
    alice.start("Look", attachments=[mine["id"]])
    assert alice.client.delete(mine["url"], **JSON).status_code == 400
    assert Attachment.objects.filter(pk=mine["id"]).exists()


def test_the_quota_counts_bytes_and_files_of_one_person(alice: Person, bob: Person, settings: Any) -> None:
    settings.QUOTA_BYTES = 25
    upload(alice, b"a" * 10, "a.txt")
    upload(alice, b"b" * 15, "a.txt")
    refused = post(alice, b"c", "a.txt")
    assert refused.status_code == 413 and "Your files take" in refused.json()["error"]["message"]
    upload(bob, b"c", "a.txt")
    settings.QUOTA_BYTES, settings.QUOTA_FILES = 1000, 2
    assert "2 files" in post(alice, b"c", "a.txt").json()["error"]["message"]
    settings.QUOTA_FILES = 3
    upload(alice, b"c", "a.txt")


def test_deleting_a_conversation_makes_room_for_its_files(alice: Person, bob: Person, settings: Any) -> None:
    settings.QUOTA_FILES = 2
    sent = alice.start("Look", attachments=[upload(alice)["id"], upload(alice)["id"]])
    refused = post(alice, png())
    assert refused.status_code == 413
    assert "Delete conversations that contain files." in refused.json()["error"]["message"]
    path = f"/conversations/{sent['conversation']}"
    alice.post(f"{path}/delete/")
    fresh = upload(alice)
    full = alice.post(f"{path}/restore/")
    assert full.status_code == 413
    assert "no room for the files" in full.json()["error"]["message"]  # type: ignore[attr-defined]
    assert alice.get(f"{path}/").status_code == 404
    alice.client.delete(fresh["url"], **JSON)
    assert alice.post(f"{path}/restore/").status_code == 200
    assert post(alice, png()).status_code == 413
    # What others have given counts for them.
    settings.QUOTA_FILES = 0
    other = bob.start("No files")
    for act in ("delete", "restore"):
        assert bob.post(f"/conversations/{other['conversation']}/{act}/").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_the_quota_holds_when_two_conversations_are_taken_back_at_once(alice: Person, settings: Any) -> None:
    settings.QUOTA_FILES = 1
    paths = []
    for text in (b"a", b"b"):
        sent = alice.start("Look", attachments=[upload(alice, text, "a.txt")["id"]])
        paths.append(f"/conversations/{sent['conversation']}")
        alice.post(f"{paths[-1]}/delete/")
    with beside(lambda: alice.post(f"{paths[1]}/restore/").status_code) as second:
        assert alice.post(f"{paths[0]}/restore/").status_code == 200
    assert second == [413]


@pytest.mark.django_db(transaction=True)
def test_the_quota_holds_for_many_uploads_at_once(alice: Person, settings: Any) -> None:
    settings.QUOTA_FILES = 3
    together = threading.Barrier(8)

    def give(number: int) -> int:
        try:
            client = Client()
            client.cookies = alice.client.cookies
            together.wait(patience.SECONDS)
            file = SimpleUploadedFile("a.txt", b"text %d" % number)
            return client.post("/attachments/", {"file": file}, **JSON).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(give, range(8)))
    assert sorted(answers) == [201] * 3 + [413] * 5
    assert Attachment.objects.count() == 3


def test_pages_do_not_stand_in_line_behind_uploads() -> None:
    from chatsite.handler import _threads_for
    from chatsite.threads import request_threads, upload_threads

    assert _threads_for({"method": "POST", "path": "/attachments/"}) is upload_threads()
    for method, path in (("GET", "/attachments/"), ("POST", "/conversations/"), ("GET", "/")):
        assert _threads_for({"method": method, "path": path}) is request_threads()


def test_a_storage_that_takes_nothing_refuses_with_a_reason(
    alice: Person, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "attachments").write_text("a file where a folder should be")
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    response = post(alice, png())
    assert response.status_code == 503
    assert "could not be stored" in response.json()["error"]["message"]
    assert not Attachment.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="a file with a limit")
def test_a_database_that_takes_nothing_refuses_with_a_reason() -> None:
    answering()
    alice = member("alice")
    kept = upload(alice, b"kept", "a.txt")
    full_disk.fill()
    try:
        for number in range(200):
            response = post(alice, b"text %d" % number, "a.txt")
            if response.status_code != 201:
                break
        assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable")
        assert content(alice.get(kept["url"])) == b"kept"
    finally:
        full_disk.make_room()
    upload(alice, b"There is room again.", "a.txt")


def test_a_work_folder_that_takes_nothing_refuses_with_a_reason(
    alice: Person, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "work").write_text("a file where a folder should be")
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "work"
    response = post(alice, png())
    assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable")
    assert not Attachment.objects.exists()


def test_a_name_of_five_kilobytes_is_a_label_like_any_other(alice: Person) -> None:
    name = "ü" * 5000 + ".png"
    boundary, head = "--b", 'Content-Disposition: form-data; name="file"; filename="%s"'
    body = b"\r\n".join([b"--" + boundary.encode(), (head % name).encode(), b"", png(), b"----b--", b""])
    response = alice.client.post(
        "/attachments/", body, content_type=f"multipart/form-data; boundary={boundary}", **JSON
    )
    assert response.status_code == 201
    assert response.json()["name"] == "ü" * 251 + ".png"

"""Stored files are inert: their headers, ranges, conditions and names (promise P20, U16 to U23)."""

from __future__ import annotations

from email.message import Message as Headers
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from conversations.models import Conversation, Participant
from tests.world import Person

from .given import attached, content, encoded, picture, png, stored_file, upload
from .hostile import pdf_of_pages

NAMES = [
    "plain.png", 'a"b.png', 'a";filename*=utf-8\'\'evil.png', "ä 世界 🎈.png", "a\r\nX-Evil: 1.png", "a\\b%00.png",
    "<img src=x onerror=alert(1)>.png", "a;b=c.png", "photo\u202egpj.exe", "x" * 5000 + ".png", "a\0b.png", "..png",
]  # fmt: skip


def names_of(response: Any) -> str:
    """The file name that a browser reads in a Content-Disposition."""
    headers = Headers()
    headers["Content-Disposition"] = response.headers["Content-Disposition"]
    return headers.get_filename() or ""


@pytest.fixture
def text(alice: Person) -> str:
    stored = stored_file(b"0123456789", "text/plain")
    row = attached(
        alice.user,
        name="a.txt",
        media_type="text/plain",
        size=10,
        original=stored,
        sent=stored,
        thumbnail=None,
    )
    return f"/attachments/{row.pk}/"


@pytest.mark.parametrize(
    ("data", "name", "content_type", "disposition"),
    [
        (png(), "a.png", "image/png", "inline"),
        (encoded(picture(), "JPEG"), "a.jpg", "image/jpeg", "inline"),
        (encoded(picture(), "GIF"), "a.gif", "image/gif", "inline"),
        (encoded(picture(), "WEBP"), "a.webp", "image/webp", "inline"),
        (pdf_of_pages(1), "a.pdf", "application/pdf", "attachment"),
        (b"<script>alert(1)</script>", "a.html", "text/plain; charset=utf-8", "attachment"),
        (b"# x", "a.md", "text/markdown; charset=utf-8", "attachment"),
        (b"=1+1", "a.csv", "text/csv; charset=utf-8", "attachment"),
        (b"{}", "a.json", "application/json; charset=utf-8", "attachment"),
    ],
)
def test_every_stored_kind_is_served_inert(
    data: bytes, name: str, content_type: str, disposition: str, alice: Person
) -> None:
    body = upload(alice, data, name)
    response = alice.get(body["url"])
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Disposition"].startswith(disposition)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    if body["thumbnail_url"]:
        small = alice.get(body["thumbnail_url"])
        assert small.headers["Content-Type"] == "image/webp"
        assert small.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_valid_label_and_never_a_header(name: str, alice: Person) -> None:
    # Django's own reader of forms cleans names as well; a row may hold what it lets through.
    body = upload(alice, png(), name)
    for row in (body["id"], attached(alice.user, name=body["name"]).pk):
        response = alice.get(f"/attachments/{row}/")
        assert "X-Evil" not in response.headers
        assert names_of(response) == body["name"]


def test_a_name_with_markup_is_text_on_the_page_and_in_exports(alice: Person) -> None:
    hostile = "<img src=x onerror=alert(1)>[a](javascript:b).png"
    body = upload(alice, png(), hostile)
    assert body["name"] == hostile
    sent = alice.start("Look", attachments=[body["id"]])
    page = alice.client.get(sent["url"]).content.decode()
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
    markdown = alice.get(f"{sent['url']}export/?as=markdown").content.decode()
    assert "](javascript" not in markdown and "<img" not in markdown.replace("\\<img", "")
    assert alice.get(f"{sent['url']}export/?as=json").json()["attachments"][0]["name"] == hostile


@pytest.mark.parametrize(
    ("asked", "status", "expected", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99999999999", 206, b"89", "bytes 8-9/10"),
        ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
        ("Bytes=9-9", 206, b"9", "bytes 9-9/10"),
        ("bytes=10-", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=5-4", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=-0", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=-", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=--5", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=" + "0-," * 1000, 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=0-1,3-4", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("bytes=٣-٤", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=" + "9" * 5000 + "-", 416, b'{"error": {"type": "range_not_satisfiable"', "bytes */10"),
    ],
)
def test_one_range_is_answered_and_the_rest_refused(
    asked: str, status: int, expected: bytes, told: str | None, text: str, alice: Person
) -> None:
    response = alice.get(text, HTTP_RANGE=asked)
    assert response.status_code == status
    assert content(response).startswith(expected)
    assert response.headers.get("Content-Range") == told
    if status == 416:
        assert "no-store" in response.headers["Cache-Control"] and "ETag" not in response.headers
    else:
        assert response.headers["Content-Length"] == str(len(expected))


def test_conditions_are_honoured(text: str, alice: Person) -> None:
    whole = alice.get(text)
    etag = whole.headers["ETag"]
    assert content(whole) == b"0123456789" and whole.headers["Accept-Ranges"] == "bytes"
    unchanged = alice.get(text, HTTP_IF_NONE_MATCH=etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert alice.get(text, HTTP_IF_NONE_MATCH='"other"').status_code == 200
    assert content(alice.get(text, HTTP_IF_MATCH=etag)) == b"0123456789"
    another = alice.get(text, HTTP_IF_MATCH='"other"')
    assert another.status_code == 412 and "no-store" in another.headers["Cache-Control"]
    assert alice.get(text, HTTP_RANGE="bytes=0-1", HTTP_IF_RANGE=etag).status_code == 206
    assert content(alice.get(text, HTTP_RANGE="bytes=0-1", HTTP_IF_RANGE='"old"')) == b"0123456789"


def test_head_tells_the_same_without_the_bytes(text: str, alice: Person) -> None:
    response = alice.client.head(text)
    assert response.status_code == 200 and response.content == b""
    assert response.headers["Content-Length"] == "10"
    assert alice.client.head(text, HTTP_RANGE="bytes=0-4").headers["Content-Length"] == "5"
    assert alice.client.put(text).status_code == 405


def test_before_it_is_sent_a_file_is_its_uploaders_alone(
    alice: Person, bob: Person, administrator: Person
) -> None:
    body = upload(alice)
    for url in (body["url"], body["thumbnail_url"]):
        assert alice.get(url).status_code == 200
        for other in (bob, administrator):
            for extra in ({}, {"HTTP_RANGE": "bytes=0-1"}, {"HTTP_IF_NONE_MATCH": "*"}):
                missing = alice.get(url.replace(body["id"][:8], "00000000"), **extra)
                forbidden = other.get(url, **extra)
                assert (forbidden.status_code, forbidden.content) == (404, missing.content)
            assert other.client.head(url).status_code == 404


def test_once_sent_it_is_as_visible_as_its_conversation(alice: Person, bob: Person) -> None:
    body = upload(alice)
    sent = alice.start("Look", attachments=[body["id"]])
    assert bob.get(body["url"]).status_code == 404
    conversation = Conversation.objects.get(pk=sent["conversation"])
    sharing = Participant.objects.create(conversation=conversation, user=bob.user, role="reader")
    assert bob.get(body["url"]).status_code == bob.get(body["thumbnail_url"]).status_code == 200
    etag = bob.get(body["url"]).headers["ETag"]
    sharing.delete()
    assert bob.get(body["url"], HTTP_IF_NONE_MATCH=etag).status_code == 404
    conversation.deleted_at = timezone.now()
    conversation.save()
    assert alice.get(body["url"]).status_code == 404


def test_whoever_loses_the_conversation_loses_the_file_they_gave(alice: Person, bob: Person) -> None:
    conversation = Conversation.objects.create(owner=bob.user)
    file = attached(alice.user, conversation)
    assert alice.get(f"/attachments/{file.pk}/").status_code == 404
    assert bob.get(f"/attachments/{file.pk}/").status_code == 200


def test_a_deactivated_person_sees_nothing(alice: Person) -> None:
    body = upload(alice)
    alice.user.is_active = False
    alice.user.save()
    assert alice.get(body["url"]).status_code in (401, 404)


def test_bytes_that_are_gone_answer_not_found(text: str, alice: Person) -> None:
    from conversations.models import StoredFile

    default_storage.delete(str(StoredFile.objects.get(sha256=stored_file(b"0123456789").sha256).file))
    assert alice.get(text).status_code == 404

"""Links to snapshots show what was shared and no more, to those it was shared with (promise P33, L01 to L07)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.models import Attachment, AuditEvent, Conversation, Message, ShareLink, Workspace
from tests.attachments.given import attached
from tests.world import Person, finished

HEADERS = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@pytest.fixture
def sent(alice: Person) -> dict[str, Any]:
    """A conversation with a system prompt, thinking and a tool in it."""
    Workspace.objects.create(pk=1, public_links=True)
    sent = alice.start("The question", system="SECRET-SYSTEM")
    answer = finished(sent["generation"], "The **answer**")
    answer.content = [
        {"type": "thinking", "thinking": "SECRET-THINKING", "signature": "SECRET-SIGNATURE"},
        {"type": "tool_use", "id": "SECRET-ID", "name": "SECRET-TOOL", "input": {"key": "SECRET-INPUT"}},
        {"type": "text", "text": "The **answer**"},
    ]
    answer.html = None
    answer.save()
    return sent


def link(person: Person, sent: dict[str, Any], **fields: Any) -> str:
    """The path of a new link."""
    response = person.post(
        f"/conversations/{sent['conversation']}/links/", {"days": "7", "public": "on", **fields}
    )
    assert response.status_code == 201, response.content
    return "/" + response.json()["url"].split("/", 3)[3]  # type: ignore[attr-defined, no-any-return]


def test_it_shows_the_messages_and_nothing_behind_them(alice: Person, sent: dict[str, Any]) -> None:
    path = link(alice, sent)
    response = Client().get(path)
    page = response.content.decode()
    assert response.status_code == 200
    assert "The question" in page and "<strong>answer</strong>" in page
    assert "SECRET" not in page
    assert "alice" not in page, "a user name may be an address"
    for id in (sent["conversation"], sent["message"], sent["reply"], sent["generation"]):
        assert id not in page
    assert "<script" not in page and "csrfmiddlewaretoken" not in page
    for name, value in HEADERS.items():
        assert value in response[name]


def test_what_comes_later_is_not_in_it(alice: Person, sent: dict[str, Any]) -> None:
    path = link(alice, sent)
    later = alice.send(sent["conversation"], "A later question")
    finished(later["generation"], "A later answer")
    edited = f"/conversations/{sent['conversation']}/messages/{sent['message']}/edit/"
    finished(alice.post(edited, {"text": "Another version"}).json()["generation"], "Another answer")  # type: ignore[attr-defined]
    page = Client().get(path).content.decode()
    assert "The question" in page
    assert "later" not in page.lower() and "Another" not in page


def test_it_keeps_the_title_that_it_was_shared_with(alice: Person, sent: dict[str, Any]) -> None:
    rename = f"/conversations/{sent['conversation']}/rename/"
    alice.post(rename, {"title": "What was shared"})
    path = link(alice, sent)
    alice.post(rename, {"title": "For us alone"})
    for reader in (Client(), alice.client):
        page = reader.get(path).content.decode()
        assert "What was shared" in page and "For us alone" not in page
    # Links from before titles were kept.
    ShareLink.objects.update(title="")
    assert "For us alone" in Client().get(path).content.decode()


def test_it_ends_at_the_chosen_message(alice: Person, sent: dict[str, Any]) -> None:
    finished(alice.send(sent["conversation"], "More")["generation"], "And more")
    assert "And more" in Client().get(link(alice, sent)).content.decode()
    page = Client().get(link(alice, sent, message=sent["message"])).content.decode()
    assert "The question" in page and "answer</strong>" not in page


def test_a_running_answer_is_not_part_of_it(alice: Person, sent: dict[str, Any]) -> None:
    running = alice.send(sent["conversation"], "More")
    path = link(alice, sent)
    finished(running["generation"], "Meanwhile written")
    assert "Meanwhile" not in Client().get(path).content.decode()


def test_the_last_message_is_one_of_this_conversation(
    alice: Person, bob: Person, sent: dict[str, Any]
) -> None:
    other = bob.start("Private to bob")
    finished(other["generation"])
    where = f"/conversations/{sent['conversation']}/links/"
    assert alice.post(where, {"days": "7", "message": other["message"]}).status_code == 404
    assert alice.post(where, {"days": "8"}).status_code == 400
    assert not ShareLink.objects.exists()


def test_json_says_days_and_public_as_json_does(alice: Person, sent: dict[str, Any]) -> None:
    where = f"/conversations/{sent['conversation']}/links/"
    made = alice.post(where, {"days": 7, "public": True}, content_type="application/json")
    assert made.status_code == 201
    assert Client().get(made.json()["url"]).status_code == 200
    assert ShareLink.objects.get().expires_at is not None


def _refused(path: str, client: Client | None = None) -> tuple[int, bytes, dict[str, str]]:
    response = (client or Client()).get(path)
    return response.status_code, response.content, dict(response.headers)


def test_a_link_that_is_off_already_is_not_switched_off_again(alice: Person, sent: dict[str, Any]) -> None:
    link(alice, sent)
    switch = f"/conversations/{sent['conversation']}/links/{ShareLink.objects.get().pk}/switch/"
    for on in ("false", "true"):
        assert [alice.post(switch, {"on": on}).status_code for _ in range(2)] == [200, 200]
    acts = AuditEvent.objects.filter(act__in=["share_link_on", "share_link_off"]).order_by("pk")
    assert [event.act for event in acts] == ["share_link_off", "share_link_on"]


def test_missing_closed_and_expired_links_answer_alike(alice: Person, sent: dict[str, Any]) -> None:
    missing = _refused(reverse("snapshot", args=["A" * 22]))
    assert missing[0] == 404
    path = link(alice, sent)
    assert Client().get(path).status_code == 200
    row = ShareLink.objects.get()
    switch = f"/conversations/{sent['conversation']}/links/{row.pk}/switch/"
    alice.post(switch, {"on": "false"})
    assert _refused(path) == missing
    assert alice.post(switch, {"on": True}, content_type="application/json").json() == {"on": True}
    assert Client().get(path).status_code == 200
    assert alice.post(switch, {"on": False}, content_type="application/json").json() == {"on": False}
    assert _refused(path) == missing
    alice.post(switch, {"on": "true"})
    assert [alice.post(switch, wrong).status_code for wrong in ({}, {"on": "yes"}, {"on": ""})] == [400] * 3
    assert Client().get(path).status_code == 200
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert _refused(path) == missing
    ShareLink.objects.update(expires_at=None, public=False)
    assert _refused(path) == missing
    ShareLink.objects.update(public=True)
    Workspace.objects.update(public_links=False)
    assert _refused(path) == missing
    Workspace.objects.update(public_links=True)
    for wrong in (path[:-2] + "/", path.swapcase(), path[:-1] + "x/", path[:-1] + "%00/"):
        assert _refused(wrong)[0] == 404
    alice.post(f"/conversations/{sent['conversation']}/links/{row.pk}/remove/")
    assert _refused(path) == missing


def test_a_deleted_conversation_closes_its_links(alice: Person, sent: dict[str, Any]) -> None:
    path = link(alice, sent)
    alice.post(f"/conversations/{sent['conversation']}/delete/")
    assert Client().get(path).status_code == 404


def test_a_link_for_members_is_for_active_members(alice: Person, bob: Person, sent: dict[str, Any]) -> None:
    response = alice.post(f"/conversations/{sent['conversation']}/links/", {"days": ""})
    path = "/" + response.json()["url"].split("/", 3)[3]  # type: ignore[attr-defined]
    assert Client().get(path).status_code == 404
    page = bob.get(path, HTTP_ACCEPT="text/html")
    assert page.status_code == 200 and b"alice" in page.content
    assert bob.get(f"/conversations/{sent['conversation']}/").status_code == 404
    bob.user.is_active = False
    bob.user.save()
    assert bob.get(path).status_code == 404


def test_links_for_people_outside_need_the_workspace_to_allow_them(
    alice: Person, sent: dict[str, Any]
) -> None:
    Workspace.objects.update(public_links=False)
    response = alice.post(f"/conversations/{sent['conversation']}/links/", {"days": "7", "public": "on"})
    assert response.status_code == 400
    assert not ShareLink.objects.exists()


def test_only_a_hash_of_the_token_is_kept_and_it_has_128_bits(alice: Person, sent: dict[str, Any]) -> None:
    token = link(alice, sent).split("/")[2]
    assert len(token) == 22
    row = ShareLink.objects.get()
    assert token not in str(list(ShareLink.objects.values()))
    assert len(row.token_hash) == 64
    assert link(alice, sent).split("/")[2] != token


def test_a_large_picture_is_drawn_in_its_proportions(alice: Person, sent: dict[str, Any]) -> None:
    shown = attached(alice.user, Conversation.objects.get())
    Attachment.objects.filter(pk=shown.pk).update(width=900, height=600)
    block = {"type": "image", "source": {"type": "attachment", "attachment": str(shown.pk)}}
    Message.objects.filter(pk=sent["message"]).update(content=[block])
    page = Client().get(link(alice, sent)).content.decode()
    assert re.search(
        r'class="message__files">\s*<a[^>]*>\s*<img src="[^"]+"\s+width="360" height="240"', page
    )


def test_files_are_served_through_the_link_alone_and_only_those_shown(
    alice: Person, sent: dict[str, Any]
) -> None:
    conversation = Conversation.objects.get()
    shown, hidden = attached(alice.user, conversation), attached(alice.user, conversation)
    block = {"type": "image", "source": {"type": "attachment", "attachment": str(shown.pk)}}
    Message.objects.filter(pk=sent["message"]).update(content=[block, {"type": "text", "text": "Look"}])
    path = link(alice, sent)
    page = Client().get(path).content.decode()
    assert str(shown.pk) not in page
    urls = re.findall(r'(?:href|src)="(/share/[^"]+/files/[^"]+)"', page)
    assert urls
    for url in urls:
        response = Client().get(url)
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert Client().delete(url).status_code == 405
    guesses = [f"{path}files/{name}/" for name in (shown.pk, hidden.pk, 1)]
    for other in (*guesses, f"/attachments/{shown.pk}/"):
        assert Client().get(other).status_code in (401, 404)
    etag = Client().get(urls[0])["ETag"]
    ShareLink.objects.update(revoked_at=timezone.now())
    for headers in ({}, {"HTTP_IF_NONE_MATCH": etag}, {"HTTP_RANGE": "bytes=0-1"}):
        assert Client().get(urls[0], **headers).status_code == 404


def test_a_holder_of_a_link_can_do_nothing_else(alice: Person, sent: dict[str, Any]) -> None:
    path = link(alice, sent)
    for method in ("post", "put", "delete", "patch"):
        assert getattr(Client(), method)(path).status_code == 405
    assert (
        Client().get(f"/conversations/{sent['conversation']}/", HTTP_ACCEPT="application/json").status_code
        == 401
    )


def test_a_long_snapshot_comes_in_pages(alice: Person, sent: dict[str, Any]) -> None:
    parent = Message.objects.get(pk=sent["reply"])
    rows = []
    for number in range(150):
        parent = Message(
            conversation=parent.conversation, parent=parent, role="user", author=alice.user,
            content=[{"type": "text", "text": f"Number {number}."}],
        )  # fmt: skip
        rows.append(parent)
    Message.objects.bulk_create(rows)
    Conversation.objects.update(current_leaf=parent)
    path = link(alice, sent)
    last: HttpResponse = Client().get(path)  # type: ignore[assignment]
    assert b"Number 149." in last.content and b"Number 49." not in last.content
    first = Client().get(path + "?page=2")
    assert b"The question" in first.content and b"Number 149." not in first.content
    assert Client().get(path + "?page=3").status_code == 404
    assert Client().get(path + "?page=-1").content == last.content
    assert Client().get(path + "?page=99999999999999999999").status_code == 200


def test_what_is_drawn_once_still_asks_whether_the_link_is_open(alice: Person, sent: dict[str, Any]) -> None:
    path = link(alice, sent)
    assert Client().get(path).content == Client().get(path).content
    cache.clear()
    assert Client().get(path).status_code == 200
    ShareLink.objects.update(revoked_at=timezone.now())
    assert Client().get(path).status_code == 404

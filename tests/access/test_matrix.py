"""Who may do what: every address of the chat times everybody who might try (promise P14).

A new address without a row here fails `test_every_address_of_the_chat_is_in_the_table`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from conversations.actions import removal
from conversations.models import Conversation, Message, Participant
from conversations.urls import urlpatterns
from tests.world import JSON, Person

from .people import ADMINISTER, ANYBODY, NAMED, NOBODYS, OWN, PEOPLE, READ, WRITE, open_to


@dataclass(frozen=True)
class Row:
    """One method of one address: the right it needs and what to send."""

    name: str
    method: str
    right: str
    success: int
    data: dict[str, Any] = field(default_factory=dict)


NEW = {"text": "More"}
TABLE = [
    Row("home", "GET", ANYBODY, 200),
    Row("conversations", "GET", ANYBODY, 200),
    Row("conversations", "POST", ANYBODY, 201, NEW),
    Row("conversation", "GET", READ, 200),
    Row("conversation-send", "GET", READ, 200),
    Row("conversation-send", "POST", WRITE, 201, NEW),
    Row("conversation-history", "GET", READ, 200),
    Row("conversation-totals", "GET", READ, 200),
    Row("conversation-export", "GET", READ, 200),
    Row("conversation-rename", "POST", OWN, 200, {"title": "Mine"}),
    Row("conversation-archive", "POST", OWN, 200),
    Row("conversation-delete", "POST", OWN, 200),
    Row("conversation-restore", "POST", NOBODYS, 404),
    Row("conversation-settings", "POST", WRITE, 200, {"max_tokens": "100"}),
    Row("conversation-people", "GET", READ, 200),
    Row("conversation-people", "POST", OWN, 201, {"who": "erin", "role": "reader"}),
    Row("participant-role", "POST", OWN, 200, {"role": "reader"}),
    Row("participant-remove", "POST", OWN, 200),
    Row("conversation-leave", "POST", NAMED, 200),
    Row("conversation-visibility", "POST", OWN, 200, {"visibility": "private"}),
    Row("conversation-read", "POST", READ, 200),
    Row("conversation-links", "POST", OWN, 201, {"days": "7"}),
    Row("share-link-switch", "POST", OWN, 200, {"on": "false"}),
    Row("share-link-remove", "POST", OWN, 200),
    Row("people", "GET", ADMINISTER, 200),
    Row("person", "GET", ADMINISTER, 200),
    Row("person-act", "POST", ADMINISTER, 200, {"act": "sign-out"}),
    Row("person-groups", "POST", ADMINISTER, 200),
    Row("person-password", "POST", ADMINISTER, 201),
    Row("person-remove", "GET", ADMINISTER, 200),
    Row("person-remove", "POST", ADMINISTER, 200, {"keep": "nothing", "confirm": "erin"}),
    Row("groups", "GET", ADMINISTER, 200),
    Row("groups", "POST", ADMINISTER, 201, {"name": "Tide"}),
    Row("group", "GET", ADMINISTER, 200),
    Row("group", "POST", ADMINISTER, 200, {"name": "Tide"}),
    Row("group-remove", "POST", ADMINISTER, 200),
    Row("invitations", "GET", ADMINISTER, 200),
    Row("invitations", "POST", ADMINISTER, 201, {"role": "member", "days": "7"}),
    Row("invitation-revoke", "POST", ADMINISTER, 200),
    Row("providers", "GET", ADMINISTER, 200),
    Row("provider-new", "GET", ADMINISTER, 200),
    Row("provider-new", "POST", ADMINISTER, 400),
    Row("provider", "GET", ADMINISTER, 200),
    Row("provider", "POST", ADMINISTER, 400),
    Row("provider-remove", "POST", ADMINISTER, 200),
    # Nobody is at the provider's address.
    Row("provider-list", "POST", ADMINISTER, 400),
    Row("models-add", "POST", ADMINISTER, 200, {"model": "claude-haiku-4-5"}),
    Row("language-model", "GET", ADMINISTER, 200),
    Row("language-model", "POST", ADMINISTER, 200, {"label": "Ours"}),
    Row("model-test", "POST", ADMINISTER, 200),
    Row("model-remove", "POST", ADMINISTER, 200),
    Row("model-move", "POST", ADMINISTER, 200, {"to": "up"}),
    Row("budgets", "GET", ADMINISTER, 200),
    Row("budget-new", "GET", ADMINISTER, 200),
    Row("budget-new", "POST", ADMINISTER, 200, {"subject": "workspace", "period": "month", "limit": "5"}),
    Row("budget", "GET", ADMINISTER, 200),
    Row("budget", "POST", ADMINISTER, 400),
    Row("budget-remove", "POST", ADMINISTER, 200),
    Row("workspace", "GET", ADMINISTER, 200),
    Row("workspace", "POST", ADMINISTER, 200, {"name": "Ours"}),
    Row("message", "GET", READ, 200),
    Row("message-source", "GET", READ, 200),
    Row("message-edit", "POST", WRITE, 201, {"text": "Better", "message": "turn"}),
    Row("message-regenerate", "POST", WRITE, 201),
    Row("message-continue", "POST", WRITE, 201),
    Row("message-select", "POST", WRITE, 200),
    Row("message-fork", "POST", READ, 201),
    # Neither is possible for what alice has sent: the right is there, and the answer says why not.
    Row("message-omit", "POST", WRITE, 400),
    Row("attachment", "DELETE", WRITE, 400),
    Row("attachments", "POST", ANYBODY, 400),
    Row("attachment", "GET", READ, 200),
    Row("attachment-thumbnail", "GET", READ, 200),
    Row("attachment-alt", "POST", WRITE, 200, {"alt": "Pier"}),
    Row("generation-stop", "POST", WRITE, 202),
    Row("generation-events", "GET", READ, 200),
    Row("audit", "GET", ADMINISTER, 200),
    Row("audit-download", "GET", ADMINISTER, 200),
    Row("own-data", "POST", ANYBODY, 200),
    Row("usage", "GET", ANYBODY, 200),
    Row("usage-download", "GET", ANYBODY, 200),
]
# Open by their token alone: tests.sharing.test_snapshots, tests.people.test_invitations and test_passwords ask.
ELSEWHERE = {"snapshot", "snapshot-file", "snapshot-thumbnail", "invitation", "new-password"}
# Which of the ids an address begins with.
FIRST = {"generations": "generation", "attachments": "attachment"}


def path_of(row: Row, sent: dict[str, Any]) -> str:
    pattern = next(str(p.pattern) for p in urlpatterns if p.name == row.name)
    message = sent["message"] if row.data.get("message") == "turn" else sent["reply"]
    first = sent.get(FIRST.get(pattern.partition("/")[0], "conversation"))
    path = "/" + pattern.replace("<uuid:id>", str(first)).replace("<uuid:message>", str(message))
    for name in (
        "participant", "link", "person", "group", "invitation", "provider", "model", "number", "budget",
    ):  # fmt: skip
        path = path.replace(f"<int:{name}>", str(sent[name]))
    return path


def ask(client: Client, row: Row, path: str) -> Any:
    data = {"client_id": str(uuid.uuid4()), **row.data} if row.method == "POST" else {}
    answer = client.generic(
        row.method, path, "&".join(f"{name}={value}" for name, value in data.items()),
        content_type="application/x-www-form-urlencoded", **JSON,
    )  # fmt: skip
    if answer.streaming and not answer.is_async:
        # Read to its end, it lets go of its file.
        list(answer)
    return answer


def test_every_address_of_the_chat_is_in_the_table() -> None:
    assert {pattern.name for pattern in urlpatterns} == {row.name for row in TABLE} | ELSEWHERE


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method}-{row.name}")
def test_each_right_opens_what_it_should_and_nothing_else(
    row: Row, who: str, person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    open_to(who, Conversation.objects.get(pk=sent["conversation"]))
    before = list(Message.objects.order_by("pk").values())
    response = ask(person(who).client, row, path_of(row, sent))
    if row.right == ANYBODY or row.right in PEOPLE[who]:
        assert response.status_code == row.success, response.content
    else:
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "not_found"
        assert list(Message.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method}-{row.name}")
def test_missing_and_forbidden_objects_answer_alike(
    row: Row, bob: Person, alice: Person, sent: dict[str, Any]
) -> None:
    if row.right == ANYBODY:
        return
    forbidden = ask(bob.client, row, path_of(row, sent))
    nothing = {name: id + 1000 if isinstance(id, int) else str(uuid.uuid4()) for name, id in sent.items()}
    missing = ask(bob.client, row, path_of(row, nothing))
    assert (forbidden.status_code, forbidden.content) == (missing.status_code, missing.content)
    assert set(forbidden.headers) == set(missing.headers)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method}-{row.name}")
def test_without_signing_in_there_is_401_for_programs_and_the_form_for_people(
    row: Row, sent: dict[str, Any]
) -> None:
    path = path_of(row, sent)
    response = ask(Client(), row, path)
    assert (response.status_code, response.json()["error"]["type"]) == (401, "authentication_required")
    page = Client().generic(row.method, path, HTTP_ACCEPT="text/html")
    assert page.status_code == 302
    assert page["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method}-{row.name}")
def test_a_deactivated_person_is_signed_out(row: Row, alice: Person, sent: dict[str, Any]) -> None:
    alice.user.is_active = False
    alice.user.save()
    assert ask(alice.client, row, path_of(row, sent)).status_code == 401


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method}-{row.name}")
def test_a_deleted_conversation_is_there_for_nobody(row: Row, alice: Person, sent: dict[str, Any]) -> None:
    if row.right == ANYBODY or row.name == "conversation-restore":
        return
    alice.post(f"/conversations/{sent['conversation']}/delete/")
    assert ask(alice.client, row, path_of(row, sent)).status_code == 404


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "POST"], ids=lambda row: row.name)
def test_a_write_needs_a_csrf_token_of_this_site(row: Row, alice: Person, sent: dict[str, Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    path = path_of(row, sent)
    before = list(Message.objects.order_by("pk").values())
    for headers in ({}, {"HTTP_X_CSRFTOKEN": "x" * 64}):
        client.cookies["csrftoken"] = "y" * 32
        response = client.post(path, row.data, **JSON, **headers)
        assert (response.status_code, response.json()["error"]["type"]) == (403, "csrf_failed")
    page = client.post(path, row.data, HTTP_ACCEPT="text/html")
    assert page.status_code == 403
    assert b"<html" in page.content
    assert list(Message.objects.order_by("pk").values()) == before


def test_a_csrf_token_from_the_page_is_taken(alice: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    token = client.cookies["csrftoken"].value
    form = {"login": "alice", "password": "alice-password-1", "csrfmiddlewaretoken": token}
    assert client.post("/accounts/login/", form).status_code == 302
    client.get("/")
    headers = {"HTTP_X_CSRFTOKEN": client.cookies["csrftoken"].value}
    assert client.post("/conversations/", {"text": "Hello"}, **JSON, **headers).status_code == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("name", sorted({row.name for row in TABLE if row.method == "POST"}))
def test_a_write_happens_through_post_alone(
    name: str, method: str, person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    rows = [row for row in TABLE if row.name == name]
    row = next(row for row in rows if row.method == "POST")
    reads = any(other.method == "GET" for other in rows)
    conversation = list(Conversation.objects.values())
    before = list(Message.objects.order_by("pk").values())
    asking = person("boss" if row.right == ADMINISTER else "owner")
    response = asking.client.generic(
        method, path_of(row, sent) + "?text=More&title=Mine", HTTP_X_HTTP_METHOD_OVERRIDE="POST", **JSON
    )
    assert response.status_code == (200 if reads and method in ("GET", "HEAD") else 405)
    assert list(Message.objects.order_by("pk").values()) == before
    assert list(Conversation.objects.values()) == conversation


def test_whoever_may_delete_a_conversation_may_take_that_back(
    alice: Person, bob: Person, sent: dict[str, Any]
) -> None:
    conversation = Conversation.objects.get()
    path = f"/conversations/{conversation.pk}"
    taking_part = Participant.objects.create(conversation=conversation, user=bob.user, role="owner")
    assert bob.post(f"{path}/delete/").status_code == 200
    assert bob.post(f"{path}/restore/").status_code == 200
    assert alice.get(f"{path}/").status_code == bob.get(f"{path}/").status_code == 200
    assert bob.post(f"{path}/restore/").status_code == 404, "it is not deleted"
    for role in ("writer", "reader"):
        Participant.objects.filter(pk=taking_part.pk).update(role=role)
        assert alice.post(f"{path}/delete/").status_code == 200
        assert bob.post(f"{path}/restore/").status_code == 404
        assert alice.post(f"{path}/restore/").status_code == 200


def test_what_goes_with_a_removed_account_is_not_taken_back(
    alice: Person, bob: Person, sent: dict[str, Any]
) -> None:
    conversation = Conversation.objects.get()
    Participant.objects.create(conversation=conversation, user=bob.user, role="owner")
    removal.begin(bob.user, alice.user, "nothing", None)
    assert bob.post(f"/conversations/{conversation.pk}/restore/").status_code == 404


def test_a_message_is_reached_through_its_own_conversation_alone(alice: Person, sent: dict[str, Any]) -> None:
    other = alice.start("Other")
    for act in ("edit", "regenerate", "continue", "select", "fork"):
        path = f"/conversations/{other['conversation']}/messages/{sent['reply']}/{act}/"
        assert alice.post(path, {"text": "x"}).status_code == 404, act
    assert alice.get(f"/conversations/{other['conversation']}/messages/{sent['reply']}/").status_code == 404
    history = f"/conversations/{other['conversation']}/history/?before={sent['reply']}"
    assert alice.get(history).status_code == 404


def test_a_session_that_the_site_made_without_a_form_is_fully_valid(alice: Person) -> None:
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(alice.user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = alice.user.get_session_auth_hash()
    session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert client.post("/conversations/", {"text": "Hello"}, **JSON).status_code == 201

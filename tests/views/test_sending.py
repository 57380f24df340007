"""The two sends of the contract: what they take, what they answer, what they refuse."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from conversations.access import NotFound
from conversations.actions import branches, messages, participants, people, removal
from conversations.models import (
    Conversation,
    Generation,
    GenerationStatus,
    LanguageModel,
    Message,
    Participant,
)
from tests import full_disk
from tests.beside import beside
from tests.world import MODEL, Person, answering, finished, member

pytestmark = pytest.mark.any_database


def body(**fields: Any) -> dict[str, Any]:
    return {"text": "Hello", "client_id": str(uuid.uuid4()), **fields}


def test_a_new_conversation_answers_201_with_its_ids(alice: Person) -> None:
    response = alice.post("/conversations/", body())
    found = response.json()
    assert response.status_code == 201
    assert list(found) == ["conversation", "message", "reply", "generation", "url"]
    assert found["url"] == f"/conversations/{found['conversation']}/"
    conversation = Conversation.objects.get(pk=found["conversation"])
    assert conversation.owner == alice.user
    assert str(conversation.current_leaf_id) == found["reply"]
    turn, reply = Message.objects.get(pk=found["message"]), Message.objects.get(pk=found["reply"])
    assert (turn.role, turn.content, turn.parent) == ("user", [{"type": "text", "text": "Hello"}], None)
    assert (reply.role, reply.content, reply.parent) == ("assistant", [], turn)
    assert Generation.objects.get(pk=found["generation"]).status == GenerationStatus.QUEUED


def test_the_next_message_answers_201_with_its_ids(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    response = alice.post(f"/conversations/{sent['conversation']}/messages/", body(text="More"))
    assert response.status_code == 201
    assert list(response.json()) == ["message", "reply", "generation"]
    assert str(Message.objects.get(pk=response.json()["message"]).parent_id) == sent["reply"]


def test_a_form_and_json_say_the_same(alice: Person) -> None:
    fields = body(text="As JSON", model=MODEL)
    response = alice.post("/conversations/", fields, content_type="application/json")
    assert response.status_code == 201
    again = alice.post("/conversations/", fields)
    assert again.status_code == 200, "the same send as a form is the same send"
    assert again.json() == response.json()


def test_a_multipart_and_an_urlencoded_form_say_the_same(alice: Person) -> None:
    text, client_id = "100 % & more = ü", str(uuid.uuid4())
    multipart = alice.post("/conversations/", {"text": text, "client_id": client_id})
    encoded = f"text=100+%25+%26+more+%3D+%C3%BC&client_id={client_id}"
    urlencoded = alice.client.post(
        "/conversations/",
        encoded,
        content_type="application/x-www-form-urlencoded",
        HTTP_ACCEPT="application/json",
    )
    assert (multipart.status_code, urlencoded.status_code) == (201, 200)
    assert Message.objects.get(pk=multipart.json()["message"]).text == text


def test_a_media_type_means_the_same_in_any_case(alice: Person) -> None:
    response = alice.post("/conversations/", {"text": "Hello"}, HTTP_ACCEPT="Application/JSON")
    assert response.status_code == 201


def test_a_form_post_of_a_page_is_redirected_to_the_conversation(alice: Person) -> None:
    response = alice.client.post("/conversations/", body())
    conversation = Conversation.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/conversations/{conversation.pk}/")


def test_a_send_without_a_client_id_is_taken_once_each_time(alice: Person) -> None:
    first = alice.post("/conversations/", {"text": "Hello"})
    second = alice.post("/conversations/", {"text": "Hello"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["conversation"] != second.json()["conversation"]


@pytest.mark.parametrize("client_id", ["7", "x" * 36, "{}", " "])
def test_a_client_id_that_is_no_uuid_is_refused(alice: Person, client_id: str) -> None:
    response = alice.post("/conversations/", body(client_id=client_id))
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request")
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200d", "\u202e\u2066", "\x00"])
def test_an_empty_prompt_is_refused_and_nothing_is_stored(alice: Person, text: str) -> None:
    response = alice.post("/conversations/", body(text=text), content_type="application/json")
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request")
    assert not Conversation.objects.exists()


def test_a_prompt_at_the_limit_is_taken_and_one_over_it_is_not(alice: Person) -> None:
    limit = settings.PROMPT_MAX_CHARACTERS
    assert alice.post("/conversations/", body(text="x" * limit)).status_code == 201
    response = alice.post("/conversations/", body(text="x" * (limit + 1)))
    assert response.status_code == 400
    assert "200,000" in response.json()["error"]["message"]


def test_a_body_over_the_limit_answers_413(alice: Person) -> None:
    response = alice.post("/conversations/", body(text="x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)))
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")
    raw = json.dumps(body(text="x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    response = alice.post("/conversations/", raw, content_type="application/json")  # type: ignore[arg-type]
    assert response.status_code == 413


@pytest.mark.parametrize(
    "raw", ["", "[]", "null", '"text"', "{", '{"text": 7}', '{"text": ["a"]}', "[" * 100_000, '{"text": NaN}']
)
def test_json_that_is_no_object_of_texts_is_refused(alice: Person, raw: str) -> None:
    response = alice.client.generic(
        "POST", "/conversations/", raw, content_type="application/json", HTTP_ACCEPT="application/json"
    )
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request")


def test_nul_and_lone_surrogates_do_not_reach_the_database(alice: Person) -> None:
    raw = json.dumps({"text": "a\0b\ud800c\r\nd", "client_id": str(uuid.uuid4())})
    response = alice.client.generic(
        "POST", "/conversations/", raw, content_type="application/json", HTTP_ACCEPT="application/json"
    )
    assert response.status_code in (201, 400)
    if response.status_code == 201:
        assert Message.objects.get(pk=response.json()["message"]).text == "ab\ufffdc\nd"
    else:
        assert not Message.objects.exists()


def test_a_model_may_be_named_by_its_api_id_or_its_row(alice: Person, model: LanguageModel) -> None:
    for name in (model.model_id, str(model.pk)):
        sent = alice.start(model=name)
        assert Conversation.objects.get(pk=sent["conversation"]).language_model == model


def test_json_names_a_row_by_its_number(alice: Person, model: LanguageModel) -> None:
    def post(path: str, **fields: object) -> int:
        return alice.post(path, fields, content_type="application/json").status_code

    assert post("/conversations/", text="Hello", model=model.pk) == 201
    assert post("/conversations/", text="Hello", model=model.pk + 1) == 400
    assert post(f"/conversations/{Conversation.objects.get().pk}/settings/", model=model.pk) == 200


def test_a_model_that_this_person_may_not_use_is_refused(alice: Person, model: LanguageModel) -> None:
    other = LanguageModel.objects.create(provider=model.provider, model_id="claude-secret", enabled=False)
    for name in (other.model_id, str(other.pk), "gpt", f" {model.model_id}", f"anthropic/{model.model_id}"):
        response = alice.post("/conversations/", body(model=name))
        assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request"), name
    assert not Conversation.objects.exists()


def test_without_any_model_the_answer_is_503_with_a_sentence(alice: Person) -> None:
    LanguageModel.objects.update(enabled=False)
    response = alice.post("/conversations/", body())
    assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable")
    assert "administrator" in response.json()["error"]["message"]
    assert not Conversation.objects.exists()


def test_a_parent_of_another_conversation_is_refused(alice: Person) -> None:
    mine, other = alice.start(), alice.start()
    for generation in (mine["generation"], other["generation"]):
        finished(generation)
    response = alice.post(f"/conversations/{mine['conversation']}/messages/", body(parent=other["reply"]))
    assert response.status_code == 400
    response = alice.post(f"/conversations/{mine['conversation']}/messages/", body(parent="nonsense"))
    assert response.status_code == 400


def test_a_given_parent_makes_a_branch(alice: Person) -> None:
    first = alice.start()
    finished(first["generation"])
    second = alice.send(first["conversation"], "Second")
    finished(second["generation"])
    branch = alice.send(first["conversation"], "Branch", parent=first["reply"])
    finished(branch["generation"])
    shown = [row["id"] for row in alice.messages(first["conversation"])]
    assert shown == [first["message"], first["reply"], branch["message"], branch["reply"]]


def test_the_messages_are_listed_oldest_first_in_the_words_of_the_contract(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], "Answer")
    rows = alice.messages(sent["conversation"])
    assert [row["role"] for row in rows] == ["user", "assistant"]
    for row in rows:
        assert {"id", "parent", "role", "content", "status", "stop_reason", "usage", "model"} <= set(row)
    assert rows[1] == rows[1] | {
        "parent": sent["message"], "content": [{"type": "text", "text": "Answer"}], "status": "completed",
        "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 3}, "model": MODEL,
    }  # fmt: skip
    assert (rows[0]["status"], rows[0]["stop_reason"], rows[0]["usage"]) == ("completed", None, None)


def test_a_queued_answer_is_listed_as_such(alice: Person) -> None:
    sent = alice.start()
    row = alice.messages(sent["conversation"])[-1]
    assert (row["id"], row["status"], row["content"]) == (sent["reply"], "queued", [])


def test_a_second_send_while_the_branch_is_answering_is_busy(alice: Person) -> None:
    sent = alice.start()
    response = alice.post(f"/conversations/{sent['conversation']}/messages/", body())
    assert (response.status_code, response.json()["error"]["type"]) == (409, "busy")
    response = alice.post(f"/conversations/{sent['conversation']}/messages/", body(parent=sent["reply"]))
    assert response.status_code == 409
    assert Message.objects.count() == 2


def test_another_branch_may_be_asked_while_one_is_answering(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    running = alice.send(sent["conversation"], "First branch")
    beside = alice.post(f"/conversations/{sent['conversation']}/messages/", body(parent=running["message"]))
    assert beside.status_code == 409, "a branch through the question that is being answered"
    response = alice.post(
        f"/conversations/{sent['conversation']}/messages/{sent['reply']}/regenerate/",
        {"client_id": uuid.uuid4()},
    )
    assert response.status_code == 409, "the running branch goes through the message to answer again"
    finished(running["generation"])
    regenerated = alice.post(
        f"/conversations/{sent['conversation']}/messages/{sent['reply']}/regenerate/",
        {"client_id": uuid.uuid4()},
    )
    assert regenerated.status_code == 201
    other = alice.post(f"/conversations/{sent['conversation']}/messages/", body(parent=running["reply"]))
    assert other.status_code == 201, "the finished branch is free while its sibling is answering"


def test_files_are_never_dropped_silently(alice: Person) -> None:
    response = alice.post("/conversations/", body(attachments=[str(uuid.uuid4())]))
    assert response.status_code in (400, 404)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("none", [None, "", []])
def test_a_field_for_files_that_names_none_is_none(alice: Person, none: Any) -> None:
    assert (
        alice.post("/conversations/", body(attachments=none), content_type="application/json").status_code
        == 201
    )
    if none is not None:
        assert alice.post("/conversations/", body(attachments=none)).status_code == 201
    assert all(len(turn.content) == 1 for turn in Message.objects.filter(role="user"))


def test_stopping_answers_202_before_and_after_the_end(alice: Person) -> None:
    sent = alice.start()
    assert alice.post(f"/generations/{sent['generation']}/stop/").status_code == 202
    assert Generation.objects.get().stop_requested
    finished(sent["generation"])
    assert alice.post(f"/generations/{sent['generation']}/stop/").status_code == 202


def test_a_send_unarchives_the_conversation(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    alice.post(f"/conversations/{sent['conversation']}/archive/", {"archived": "true"})
    alice.send(sent["conversation"])
    assert Conversation.objects.get().archived_at is None


def refused(send: Callable[..., Any], *what: Any) -> bool:
    """For a send that looked its right up before, as all do."""
    try:
        send(*what, "Hello", uuid.uuid4(), owner="me")
    except NotFound:
        return True
    return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", ["deactivated", "removed"])
def test_a_send_that_waited_until_its_person_was_gone_is_refused(
    administrator: Person, alice: Person, ends: str
) -> None:
    with beside(lambda: refused(messages.start, alice.user)) as later:
        if ends == "deactivated":
            people.deactivate(administrator.user, alice.user)
        else:
            removal.begin(administrator.user, alice.user, removal.Keep.NOTHING, None)
    assert later == [True]
    assert not Conversation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_send_that_waited_until_its_right_was_gone_is_refused(alice: Person, bob: Person) -> None:
    finished(alice.start()["generation"])
    conversation = Conversation.objects.get()
    bobs = Participant.objects.create(conversation=conversation, user=bob.user, role="writer")
    with beside(lambda: refused(messages.send, bob.user, conversation)) as later:
        # As another send holds it.
        branches.lock(conversation)
        participants.change_role(bobs, Participant.Role.READER)
    assert later == [True]
    assert not Message.objects.filter(author=bob.user).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="a file with a limit")
def test_a_full_disk_refuses_with_a_reason_stores_nothing_and_goes_on_reading() -> None:
    answering()
    alice = member("alice")
    sent = alice.start()
    full_disk.fill()
    try:
        response = alice.post("/conversations/", body(text="x" * 190_000))
        assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable")
        assert "Try again" in response.json()["error"]["message"]
        assert len(alice.messages(sent["conversation"])) == 2
    finally:
        full_disk.make_room()
    assert Message.objects.count() == 2
    alice.start("There is room again.")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/conversations/"])
def test_a_database_that_is_away_is_told_also_where_the_session_is_read(alice: Person, path: str) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the connection is lost")

    alice.client.raise_request_exception = False
    with connection.execute_wrapper(away):
        response = alice.client.get(path, headers={"Accept": "application/json"})
        page = alice.client.get(path, headers={"Accept": "text/html"})
    assert (response.status_code, response.json()["error"]["type"]) == (503, "unavailable")
    assert (page.status_code, b"Try again in a moment" in page.content) == (503, True)

"""What is done to a message or a conversation beside sending: edit, regenerate, continue, branches, names, copies."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from conversations import access
from conversations.actions import conversations, messages
from conversations.generation.answer import RESTART, UNEXPECTED
from conversations.live.replay import stop_body
from conversations.models import (
    Conversation,
    Generation,
    GenerationStatus,
    LanguageModel,
    Message,
    Provider,
    User,
)
from tests.world import Person, finished


@pytest.fixture
def sent(alice: Person) -> dict[str, Any]:
    """One question with its answer."""
    sent = alice.start("Question")
    finished(sent["generation"], "Answer")
    return sent


def act(person: Person, sent: dict[str, Any], message: str, name: str, **fields: Any) -> Any:
    data = {"client_id": str(uuid.uuid4()), **fields}
    return person.post(f"/conversations/{sent['conversation']}/messages/{message}/{name}/", data)


def branch(person: Person, sent: dict[str, Any]) -> list[str]:
    """The texts of the current branch."""
    return [
        row["content"][0]["text"] if row["content"] else "" for row in person.messages(sent["conversation"])
    ]


def test_an_edit_adds_a_sibling_and_changes_nothing(alice: Person, sent: dict[str, Any]) -> None:
    before = Message.objects.values().get(pk=sent["message"])
    response = act(alice, sent, sent["message"], "edit", text="Better question")
    assert response.status_code == 201
    edited = Message.objects.get(pk=response.json()["message"])
    assert (edited.parent_id, edited.text, edited.role) == (None, "Better question", "user")
    assert Message.objects.values().get(pk=sent["message"]) == before
    assert branch(alice, sent) == ["Better question", ""]


def test_an_answer_cannot_be_edited_and_a_question_not_regenerated(
    alice: Person, sent: dict[str, Any]
) -> None:
    assert act(alice, sent, sent["reply"], "edit", text="x").status_code == 400
    assert act(alice, sent, sent["message"], "regenerate").status_code == 400
    assert act(alice, sent, sent["message"], "continue").status_code == 400
    assert Message.objects.count() == 2


def test_regenerating_adds_another_answer_to_the_same_question(alice: Person, sent: dict[str, Any]) -> None:
    response = act(alice, sent, sent["reply"], "regenerate")
    assert response.status_code == 201
    assert response.json()["message"] == sent["message"]
    other = Message.objects.get(pk=response.json()["reply"])
    assert (str(other.parent_id), other.role) == (sent["message"], "assistant")
    assert Message.objects.get(pk=sent["reply"]).text == "Answer"


def test_an_answer_that_failed_can_be_asked_for_again(alice: Person) -> None:
    sent = alice.start()
    finished(
        sent["generation"], "", status=GenerationStatus.FAILED, error={"type": "busy", "message": "Busy."}
    )
    assert act(alice, sent, sent["reply"], "regenerate").status_code == 201


@pytest.mark.parametrize("status", [GenerationStatus.STOPPED, GenerationStatus.INTERRUPTED])
def test_a_broken_off_answer_goes_on_by_prefill_where_the_model_takes_it(
    alice: Person, status: GenerationStatus
) -> None:
    sent = alice.start()
    finished(sent["generation"], "Half a", status=status, stop_reason="")
    response = act(alice, sent, sent["reply"], "continue")
    assert response.status_code == 201
    reply = Message.objects.get(pk=response.json()["reply"])
    assert (str(reply.parent_id), reply.continues) == (sent["reply"], True)


def test_a_broken_off_answer_goes_on_by_a_turn_of_ours_where_the_model_takes_no_prefill(
    alice: Person, model: Any
) -> None:
    model.model_id = "claude-opus-5-5"
    model.save()
    sent = alice.start()
    finished(sent["generation"], "Half a sentence", status=GenerationStatus.INTERRUPTED, stop_reason="")
    response = act(alice, sent, sent["reply"], "continue")
    assert response.status_code == 201
    turn = Message.objects.get(pk=response.json()["message"])
    assert (turn.role, turn.continues, str(turn.parent_id)) == ("user", True, sent["reply"])
    assert "Half a sentence" in turn.text
    page = alice.client.get(f"/conversations/{sent['conversation']}/").content.decode()
    assert turn.text.splitlines()[0] not in page, "a turn of our own is not shown"


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{"type": "text", "text": ""}],
        [{"type": "text", "text": " \n"}],
        [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}],
        [{"type": "redacted_thinking", "data": "b3Bh"}, {"type": "text", "text": ""}],
    ],
    ids=["nothing", "no text", "white space", "thinking alone", "hidden thinking"],
)
def test_an_answer_that_says_nothing_says_so(alice: Person, content: list[dict[str, str]]) -> None:
    sent = alice.start()
    finished(sent["generation"], content=content)
    page = alice.client.get(sent["url"]).content.decode()
    assert "The model returned nothing." in page and 'data-act="retry"' in page


@pytest.mark.parametrize("message", ["The model service is busy.", "It broke off. All up to here is saved."])
def test_a_broken_off_answer_says_once_that_its_words_are_kept(alice: Person, message: str) -> None:
    sent = alice.start()
    error = {"type": "busy", "message": message}
    finished(sent["generation"], "Half a", status=GenerationStatus.INTERRUPTED, error=error)
    page = alice.client.get(sent["url"]).content.decode()
    assert page.count("up to here is saved") == 1


@pytest.mark.parametrize(
    ("details", "told"),
    [
        (None, "answer this. The message"),
        ({"type": "refusal", "category": "cyber", "explanation": None}, "answer this. The message"),
        ({"explanation": ["odd"]}, "answer this. The message"),
        ({"explanation": " \n"}, "answer this. The message"),
        (
            {"explanation": "It asks for\n<b>malware</b>."},
            "answer this: “It asks for &lt;b&gt;malware&lt;/b&gt;.” The message",
        ),
    ],
)
def test_why_the_model_declined_is_told_in_its_own_words(alice: Person, details: Any, told: str) -> None:
    sent = alice.start()
    finished(sent["generation"], "", stop_reason="refusal", stop_details=details)
    assert f"The model declined to {told} is left out" in alice.client.get(sent["url"]).content.decode()


@pytest.mark.parametrize(
    ("sequence", "told"), [("###", "the stop sequence “###”."), ("", "a stop sequence.")]
)
def test_the_stop_sequence_is_named_where_it_is_known(alice: Person, sequence: str, told: str) -> None:
    sent = alice.start()
    finished(sent["generation"], stop_reason="stop_sequence", stop_sequence=sequence)
    assert f"Ended at {told}" in alice.client.get(sent["url"]).content.decode()


def test_what_the_provider_said_is_quoted_once(administrator: Person) -> None:
    sent = administrator.start()
    error = {
        "type": "invalid",
        "message": "It refused this: prompt is too long.",
        "detail": "prompt is too long",
    }
    finished(sent["generation"], "", status=GenerationStatus.FAILED, error=error)
    page = administrator.client.get(sent["url"]).content.decode()
    assert page.count("prompt is too long") == 1


def test_what_the_provider_said_and_what_to_do_about_it_is_for_administrators(
    alice: Person, administrator: Person
) -> None:
    sent = alice.start()
    alice.post(f"/conversations/{sent['conversation']}/people/", {"who": administrator.user.username})
    told = {"type": "auth", "message": "The key was refused."}
    error = told | {"admin_message": "Enter another key.", "detail": "org-17 is suspended"}
    finished(sent["generation"], "", status=GenerationStatus.FAILED, error=error)
    for who, reads in ((alice, False), (administrator, True)):
        page = who.client.get(sent["url"]).content.decode()
        assert ("Enter another key." in page, "org-17" in page) == (reads, reads)
    listed = alice.get(f"/conversations/{sent['conversation']}/messages/").json()["messages"]  # type: ignore[attr-defined]
    assert listed[-1]["error"] == told
    assert stop_body("failed", error)["error"] == told


def test_what_the_provider_said_does_not_decide_what_this_site_says(administrator: Person) -> None:
    sent = administrator.start()
    error = {"type": "busy", "message": "The model service is busy.", "detail": "your request was saved"}
    finished(sent["generation"], "Half a", status=GenerationStatus.INTERRUPTED, error=error)
    page = administrator.client.get(sent["url"]).content.decode()
    assert "is busy. Everything up to here is saved. The provider said: your request was saved" in page


def test_an_answer_that_took_no_time_tells_none(alice: Person, sent: dict[str, Any]) -> None:
    for milliseconds, shown in ((20, False), (400, True)):
        begun = Generation.objects.get(pk=sent["generation"]).created_at
        Message.objects.filter(pk=sent["reply"]).update(
            finished_at=begun + timedelta(milliseconds=milliseconds)
        )
        page = alice.client.get(sent["url"]).content.decode()
        assert ("0.4 s" in page, "0.0 s" in page) == (shown, False)


def test_a_form_that_is_refused_gets_a_page_with_a_heading(alice: Person, sent: dict[str, Any]) -> None:
    url = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    page = alice.post(url, HTTP_ACCEPT="text/html")
    assert page.status_code == 400
    assert "<h1>That did not work</h1>" in page.content.decode()


def test_there_is_nothing_to_continue_after_a_whole_or_an_empty_answer(
    alice: Person, sent: dict[str, Any]
) -> None:
    assert act(alice, sent, sent["reply"], "continue").status_code == 400
    failed = alice.start()
    finished(
        failed["generation"], "", status=GenerationStatus.FAILED, error={"type": "busy", "message": "Busy."}
    )
    assert act(alice, failed, failed["reply"], "continue").status_code == 400


def test_what_the_model_declined_is_not_continued_where_it_broke_off_as_well(alice: Person) -> None:
    """It is left out of every request with its question: nothing would be asked (messages-api 8.1)."""
    declined = alice.start()
    error = {"type": "garbled", "message": "Garbled."}
    finished(
        declined["generation"], "I", status=GenerationStatus.INTERRUPTED, stop_reason="refusal", error=error
    )
    assert act(alice, declined, declined["reply"], "continue").status_code == 400


def test_selecting_shows_the_newest_leaf_of_the_other_branch(alice: Person, sent: dict[str, Any]) -> None:
    more = alice.send(sent["conversation"], "More")
    finished(more["generation"], "Yes")
    other = act(alice, sent, sent["message"], "edit", text="Other question").json()
    finished(other["generation"], "Other answer")
    assert branch(alice, sent) == ["Other question", "Other answer"]
    response = act(alice, sent, sent["message"], "select")
    assert response.json() == {"leaf": more["reply"]}
    assert branch(alice, sent) == ["Question", "Answer", "More", "Yes"]


def test_a_copy_is_ones_own_and_ends_at_the_message(alice: Person, bob: Person, sent: dict[str, Any]) -> None:
    more = alice.send(sent["conversation"], "More")
    finished(more["generation"], "Yes")
    response = act(alice, sent, sent["reply"], "fork")
    assert response.status_code == 201
    copy = response.json()["conversation"]
    assert response.json()["url"] == f"/conversations/{copy}/"
    assert branch(alice, {"conversation": copy}) == ["Question", "Answer"]
    assert branch(alice, sent) == ["Question", "Answer", "More", "Yes"]
    ids = {row["id"] for row in alice.messages(copy)}
    assert not ids & {row["id"] for row in alice.messages(sent["conversation"])}
    alice.send(copy, "On its own way")


def test_a_copy_of_a_running_answer_ends_before_it(alice: Person) -> None:
    sent = alice.start("Question")
    copy = act(alice, sent, sent["reply"], "fork").json()["conversation"]
    assert branch(alice, {"conversation": copy}) == ["Question"]
    alice.send(copy, "And?")


def test_a_reader_may_copy_what_he_may_read(alice: Person, bob: Person, sent: dict[str, Any]) -> None:
    Conversation.objects.update(visibility=Conversation.Visibility.WORKSPACE)
    copy = act(bob, sent, sent["reply"], "fork").json()["conversation"]
    assert Conversation.objects.get(pk=copy).owner == bob.user
    assert Conversation.objects.get(pk=copy).visibility == Conversation.Visibility.PRIVATE
    assert alice.get(f"/conversations/{copy}/").status_code == 404


def test_a_name_is_one_line_of_at_most_200_characters(alice: Person, sent: dict[str, Any]) -> None:
    path = f"/conversations/{sent['conversation']}/rename/"
    response = alice.post(path, {"title": "  A\nname\t\x00 " + "x" * 300})
    assert response.status_code == 200
    assert response.json()["title"] == ("A name " + "x" * 300)[:200]
    assert Conversation.objects.get().titled_by_person
    for empty in ("", " \n ", "\x00", "\u200b", "\u2800\u3164"):
        assert alice.post(path, {"title": empty}).status_code == 400


def test_archiving_and_taking_back(alice: Person, sent: dict[str, Any]) -> None:
    path = f"/conversations/{sent['conversation']}/archive/"
    assert alice.post(path, {"archived": "true"}).json() == {"archived": True}
    current = alice.client.get("/conversations/").content.decode()
    assert sent["conversation"] not in current and "<h2>Archived</h2>" not in current
    archive = alice.client.get("/conversations/?archived=1").content.decode()
    assert sent["conversation"] in archive and "<h2>Archived</h2>" in archive
    assert alice.post(path, {"archived": "false"}).json() == {"archived": False}
    assert alice.post(path, {"archived": True}, content_type="application/json").json() == {"archived": True}
    assert alice.post(path, {"archived": False}, content_type="application/json").json() == {
        "archived": False
    }
    assert sent["conversation"] in alice.client.get("/conversations/").content.decode()


def test_deleting_and_taking_back(alice: Person, sent: dict[str, Any]) -> None:
    path = f"/conversations/{sent['conversation']}"
    assert alice.post(f"{path}/delete/").json() == {"deleted": True}
    assert alice.get(f"{path}/messages/").status_code == 404
    assert sent["conversation"] not in alice.client.get("/conversations/").content.decode()
    restored = alice.post(f"{path}/restore/").json()
    assert restored == {"deleted": False, "url": f"{path}/"}
    assert branch(alice, sent) == ["Question", "Answer"]


def test_the_page_of_a_deleted_conversation_offers_to_take_that_back_to_whoever_may(
    alice: Person, bob: Person, sent: dict[str, Any], settings: Any
) -> None:
    path = f"/conversations/{sent['conversation']}/"
    Conversation.objects.update(visibility=Conversation.Visibility.WORKSPACE)
    assert bob.client.get(path).status_code == 200
    alice.post(f"{path}delete/")
    page = alice.client.get(path)
    assert (page.status_code, f'action="{path}restore/"' in page.content.decode()) == (404, True)
    assert alice.get(path).json()["error"]["type"] == "not_found"
    his = bob.client.get(path)
    Conversation.objects.update(deleted_at=timezone.now() - timedelta(seconds=settings.DELETED_SECONDS))
    late = alice.client.get(path)
    missing = alice.client.get(f"/conversations/{uuid.uuid4()}/")
    for response in (his, late):
        assert (response.status_code, response.content) == (404, missing.content)
        assert set(response.headers) == set(missing.headers)


def test_deleting_stops_what_runs(alice: Person) -> None:
    sent = alice.start()
    alice.post(f"/conversations/{sent['conversation']}/delete/")
    assert Generation.objects.get().stop_requested


def test_a_send_that_was_under_way_when_the_conversation_was_deleted_starts_nothing(
    alice: Person, sent: dict[str, Any]
) -> None:
    found = access.conversation(alice.user, uuid.UUID(sent["conversation"]), access.Operation.WRITE)
    alice.post(f"/conversations/{sent['conversation']}/delete/")
    with pytest.raises(access.NotFound):
        messages.send(alice.user, found, "Too late", uuid.uuid4(), owner="somebody")
    assert Message.objects.count() == 2


def test_what_is_under_way_when_the_conversation_is_deleted_is_not_found(
    alice: Person, sent: dict[str, Any]
) -> None:
    found = access.conversation(alice.user, uuid.UUID(sent["conversation"]), access.Operation.OWN)
    alice.post(f"/conversations/{sent['conversation']}/delete/")
    for act in (
        lambda: conversations.rename(found, "Too late"),
        lambda: conversations.archive(found, True),
        lambda: conversations.change_settings(alice.user, found, "", {"system": "Too late"}),
        lambda: conversations.delete(found),
    ):
        with pytest.raises(access.NotFound):
            act()
    assert (alice.post(f"/conversations/{sent['conversation']}/restore/")).status_code == 200
    stored = Conversation.objects.get()
    assert (stored.title != "Too late", stored.archived_at, stored.parameters) == (True, None, {})


@pytest.mark.parametrize(
    ("dialect", "version", "model_id", "fields", "thinking"),
    [
        (
            "anthropic",
            "2023-06-01",
            "claude-opus-4-5",
            "temperature top_p top_k budget_tokens",
            ["on", "off"],
        ),
        ("anthropic", "2026-10-21", "claude-opus-4-5", "budget_tokens", ["on", "off"]),
        ("anthropic", "2023-06-01", "claude-sonnet-4-6", "temperature top_p top_k", ["on", "off"]),
        ("anthropic", "2023-06-01", "claude-opus-5-5", "", ["on"]),
        ("anthropic", "2023-06-01", "claude-sonnet-5-5", "", ["on", "off"]),
        ("rockapi", "2023-06-01", "claude-3-haiku-20240307", "temperature", []),
        ("openai_chat", "2026-10-21", "some-model", "temperature top_p", []),
    ],
)
def test_settings_that_no_request_would_carry_are_not_shown(
    alice: Person,
    model: LanguageModel,
    dialect: str,
    version: str,
    model_id: str,
    fields: str,
    thinking: list[str],
) -> None:
    Provider.objects.update(dialect=dialect, version=version)
    LanguageModel.objects.update(model_id=model_id)
    page = alice.get("/", HTTP_ACCEPT="text/html").content.decode()
    told = re.search(r'<script id="page" type="application/json">(.*?)</script>', page)
    assert told is not None
    (shown,) = json.loads(told[1])["models"]
    assert [name for name, is_shown in shown["fields"].items() if is_shown] == fields.split()
    assert shown["choices"]["thinking"] == thinking


def test_settings_are_for_the_next_answer_and_checked(alice: Person, sent: dict[str, Any]) -> None:
    path = f"/conversations/{sent['conversation']}/settings/"
    given = {
        "system": " Be brief. ",
        "max_tokens": "500",
        "temperature": "0.5",
        "stop_sequences": "END\n\nFIN",
    }
    response = alice.post(path, given)
    wanted = {"system": "Be brief.", "max_tokens": 500, "temperature": 0.5, "stop_sequences": ["END", "FIN"]}
    assert response.json() == {"parameters": wanted}
    assert Generation.objects.get().parameters == {}, "what was asked before keeps what it was asked with"
    finished(alice.send(sent["conversation"])["generation"])
    assert Generation.objects.order_by("created_at").last().parameters == wanted  # type: ignore[union-attr]
    for wrong in (
        {"max_tokens": "0"}, {"max_tokens": "many"}, {"max_tokens": "1e400"}, {"max_tokens": "nan"},
        {"temperature": "2"}, {"temperature": "inf"}, {"top_k": "-1"}, {"effort": "huge"}, {"thinking": "maybe"},
        {"model": "gpt"},
    ):  # fmt: skip
        assert alice.post(path, wrong).status_code == 400, wrong
    assert Conversation.objects.get().parameters == wanted


def test_a_setting_is_taken_as_it_is_or_refused(alice: Person, sent: dict[str, Any], settings: Any) -> None:
    settings.SYSTEM_MAX_CHARACTERS, settings.STOP_SEQUENCES = 10, 2
    path = f"/conversations/{sent['conversation']}/settings/"
    wanted = {"system": "s" * 10, "max_tokens": 1_000_000, "stop_sequences": ["a", "b"]}
    assert alice.post(path, wanted, content_type="application/json").json() == {"parameters": wanted}
    for wrong, said in (
        ({"system": "s" * 11}, "The system prompt has 11 characters; the limit is 10."),
        ({"stop_sequences": "a\nb\nc"}, "These are 3 stop sequences; the limit is 2."),
        ({"max_tokens": "1.5"}, "max_tokens must be a whole number."),
        ({"max_tokens": "1000001"}, "max_tokens must be between 1 and 1,000,000."),
    ):
        refused = alice.post(path, wrong)
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, said)
    assert Conversation.objects.get().parameters == wanted


def test_settings_that_a_request_does_not_name_stay(alice: Person, sent: dict[str, Any]) -> None:
    path = f"/conversations/{sent['conversation']}/settings/"
    other = LanguageModel.objects.create(provider=Provider.objects.get(), model_id="other")
    alice.post(path, {"system": "Be brief.", "max_tokens": "500", "temperature": "0.5"})
    stale = Conversation.objects.get()
    for change, left in (
        ({"model": str(other.pk)}, {"system": "Be brief.", "max_tokens": 500, "temperature": 0.5}),
        ({"max_tokens": "600"}, {"system": "Be brief.", "max_tokens": 600, "temperature": 0.5}),
        ({"temperature": ""}, {"system": "Be brief.", "max_tokens": 600}),
    ):
        assert alice.post(path, change).json() == {"parameters": left}
    response = alice.post(path, {"system": None, "effort": "low"}, content_type="application/json")
    assert response.json() == {"parameters": {"max_tokens": 600, "effort": "low"}}
    stored = conversations.change_settings(alice.user, stale, "", {"effort": "high"})
    assert stored == Conversation.objects.get().parameters == {"max_tokens": 600, "effort": "high"}
    assert Conversation.objects.get().language_model == other
    whole = dict.fromkeys((*stored, "system", "temperature", "thinking"), "")
    assert alice.post(path, whole | {"thinking": "on"}).json() == {"parameters": {"thinking": "on"}}


@pytest.mark.parametrize("value", [[1], {"a": 1}, True, 10**400, 1e300, "9" * 5000])
@pytest.mark.parametrize(
    "name", ["max_tokens", "temperature", "top_k", "stop_sequences", "effort", "system", "model"]
)
def test_odd_json_in_the_settings_is_refused_or_taken_but_never_an_error(
    alice: Person, sent: dict[str, Any], name: str, value: Any
) -> None:
    path = f"/conversations/{sent['conversation']}/settings/"
    response = alice.post(path, {name: value}, content_type="application/json")
    assert response.status_code in (200, 400)
    alice.send(sent["conversation"])


def test_people_who_post_forms_are_sent_to_a_page(alice: Person, sent: dict[str, Any]) -> None:
    base = f"/conversations/{sent['conversation']}/"
    for path, data, target in (
        (f"{base}rename/", {"title": "New"}, base),
        (f"{base}settings/", {"max_tokens": "10"}, base),
        (f"{base}messages/{sent['message']}/select/", {}, base),
        (f"{base}archive/", {}, "/"),
        (f"{base}delete/", {}, "/"),
        (f"{base}restore/", {}, base),
    ):
        response = alice.client.post(path, data)
        assert (response.status_code, response["Location"]) == (302, target), path


def test_people_who_post_a_wrong_form_get_a_page_that_says_why(alice: Person, sent: dict[str, Any]) -> None:
    response = alice.client.post(f"/conversations/{sent['conversation']}/rename/", {"title": ""})
    assert response.status_code == 400
    assert "The title is empty." in response.content.decode()


def test_the_end_of_a_limit_is_told_in_the_zone_of_the_reader(alice: Person, sent: dict[str, Any]) -> None:
    at = timezone.now() + timedelta(hours=1)
    error = {"type": "limit", "message": f"Until {at:%H:%M} UTC.", "retry_at": at.timestamp()}
    Message.objects.filter(pk=sent["reply"]).update(status="failed", error=error, content=[])
    for zone in ("", "Asia/Tokyo"):
        User.objects.update(time_zone=zone)
        page = alice.client.get(f"/conversations/{sent['conversation']}/").content.decode()
        local = f"{at.astimezone(ZoneInfo(zone)):%H:%M}" if zone else f"{at:%H:%M} UTC"
        assert f"reached until {local}. Try again then." in page


@pytest.mark.parametrize("path", ["/", "/conversations/", "/usage/", "/providers/"])
def test_every_page_says_that_the_database_is_away(administrator: Person, path: str) -> None:
    def away(execute: Any, sql: str, *rest: Any) -> Any:
        # Who is signed in was asked before.
        if "django_session" not in sql and '"conversations_user"' not in sql:
            raise OperationalError("gone")
        return execute(sql, *rest)

    with connection.execute_wrapper(away):
        response = administrator.client.get(path)
    assert response.status_code == 503
    assert "Try again in a moment." in response.content.decode()


def test_a_send_that_is_stored_is_not_called_lost_when_the_database_goes_then(
    alice: Person, sent: dict[str, Any]
) -> None:
    def away(execute: Any, sql: str, *rest: Any) -> Any:
        if "WITH RECURSIVE" in sql:
            raise OperationalError("gone")
        return execute(sql, *rest)

    with connection.execute_wrapper(away):
        response = alice.post(
            f"/conversations/{sent['conversation']}/messages/",
            {"text": "More", "client_id": str(uuid.uuid4())},
        )
    assert response.status_code == 201
    assert Generation.objects.get(pk=response.json()["generation"]).is_live


def test_what_cannot_be_asked_for_ends_with_a_reason(alice: Person, sent: dict[str, Any]) -> None:
    Message.objects.filter(pk=sent["reply"]).update(content=[5])
    more = alice.send(sent["conversation"], "More")
    reply = Message.objects.get(pk=more["reply"])
    assert reply.error is not None
    assert (reply.status, reply.error["type"]) == ("failed", "internal")


@pytest.mark.parametrize("text", ["", "Some"])
def test_a_stopped_answer_says_what_is_saved_only_where_something_is(alice: Person, text: str) -> None:
    sent = alice.start()
    finished(sent["generation"], text, status=GenerationStatus.STOPPED)
    page = alice.get(f"/conversations/{sent['conversation']}/").content.decode()
    assert (
        "<p>Stopped.</p>" in page if not text else "<p>Stopped. Everything up to here is saved.</p>" in page
    )


@pytest.mark.parametrize("text", ["", "Some"])
@pytest.mark.parametrize("error", [RESTART, UNEXPECTED], ids=["restart", "unexpected"])
def test_an_answer_that_this_server_ended_says_what_is_saved_only_where_something_is(
    alice: Person, error: dict[str, str], text: str
) -> None:
    sent = alice.start()
    finished(sent["generation"], text, status=GenerationStatus.INTERRUPTED, error=error)
    page = alice.get(f"/conversations/{sent['conversation']}/").content.decode()
    assert error["message"] in page
    assert page.count("Everything up to here is saved") == bool(text)

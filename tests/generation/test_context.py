"""What goes upstream: alternation, what is left out, thinking kept or stripped, continuations, parameters per model
(messages-api 3.1, 5, 6, 7.3, 8.1, 14).
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from conversations.generation import context
from conversations.models import (
    Attachment,
    Conversation,
    Generation,
    GenerationStatus,
    LanguageModel,
    Message,
    Provider,
    Workspace,
)
from conversations.upstream.model_table import MODELS
from conversations.upstream.request import MessageRequest
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Reply
from tests.world import Person, World, finished

STOPPED, INTERRUPTED, FAILED = (
    GenerationStatus.STOPPED,
    GenerationStatus.INTERRUPTED,
    GenerationStatus.FAILED,
)
THOUGHT = {"type": "thinking", "thinking": "Hm \u2028 …", "signature": "c2ln+/=="}
SECRET = {"type": "redacted_thinking", "data": "b3BhcXVl"}
CITED = {"type": "text", "text": "B", "citations": [{"type": "web_search_result_location"}]}
LATER = {"type": "of_a_later_version"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def request_of(sent: dict[str, Any]) -> MessageRequest:
    generation = Generation.objects.select_related(
        "language_model__provider", "conversation", "message__parent"
    ).get(pk=sent["generation"])
    return context.prepare(generation).request


def told(sent: dict[str, Any]) -> list[tuple[str, Any]]:
    """(role, content) of every turn of the request; a single text as a string."""
    found = []
    for turn in request_of(sent).messages:
        content = turn["content"]
        if isinstance(content, list) and [block["type"] for block in content] == ["text"]:
            content = content[0]["text"]
        found.append((turn["role"], content))
    return found


def after(person: Person, answer: dict[str, Any], more: str = "More") -> dict[str, Any]:
    """A conversation whose first answer ended like this, and the send after it."""
    sent = person.start("Question")
    finished(sent["generation"], **answer)
    return person.send(sent["conversation"], more)


def use(model: LanguageModel, model_id: str) -> None:
    model.model_id = model_id
    model.save()


# Turns.


def test_turns_alternate_and_begin_with_the_person(alice: Person) -> None:
    sent = alice.start("One")
    for number in range(3):
        finished(sent["generation"], f"Answer {number}")
        conversation = sent.get("conversation") or conversation  # noqa: F821 - of the round before
        sent = alice.send(conversation, f"Next {number}") | {"conversation": conversation}
    assert told(sent) == [
        ("user", "One"), ("assistant", "Answer 0"), ("user", "Next 0"), ("assistant", "Answer 1"),
        ("user", "Next 1"), ("assistant", "Answer 2"), ("user", "Next 2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        {"content": []},
        {"content": [], "status": FAILED, "error": {"type": "busy", "message": "Busy."}},
        {"content": [text("")]},
        {"content": [text(" \n\t")]},
        {"content": [THOUGHT], "status": INTERRUPTED, "stop_reason": ""},
        {
            "content": [{"type": "thinking", "thinking": "Hm", "signature": ""}],
            "status": STOPPED,
            "stop_reason": "",
        },
        {
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
            "stop_reason": "tool_use",
        },
    ],
    ids=[
        "empty",
        "failed",
        "no words",
        "blank",
        "thinking alone",
        "unsigned",
        "an unanswered call",
    ],
)
def test_a_turn_that_says_nothing_is_left_out_and_its_neighbours_merged(
    alice: Person, answer: dict[str, Any]
) -> None:
    assert told(after(alice, answer)) == [("user", [text("Question"), text("More")])]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([text("A"), text("\n\n"), CITED], [text("A"), CITED | {"text": "\n\nB"}]),
        ([text("A"), text(" "), text(""), text("\n"), CITED], [text("A"), CITED | {"text": " \nB"}]),
        ([text(" "), CITED, text("\n"), LATER, CITED, text(" ")], [CITED, LATER, CITED]),
    ],
    ids=["a paragraph", "several", "beside no text"],
)
def test_white_space_of_its_own_goes_out_with_the_text_that_it_parts_from_another(
    alice: Person, content: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    """So a cited answer may part its paragraphs (messages-api 4.4)."""
    assert told(after(alice, {"content": content}))[1] == ("assistant", expected)


def test_what_the_model_declined_is_left_out_with_its_question(alice: Person) -> None:
    refusal = {"content": [text("I will not"), text(" say")], "stop_reason": "refusal"}
    assert told(after(alice, refusal)) == [("user", "More")]
    sent = alice.start("Question")
    finished(sent["generation"], "Answer")
    declined = alice.send(sent["conversation"], "Something bad")
    finished(declined["generation"], **refusal)
    assert told(alice.send(sent["conversation"], "More")) == [
        ("user", "Question"),
        ("assistant", "Answer"),
        ("user", "More"),
    ]


@pytest.mark.parametrize("status", [STOPPED, INTERRUPTED])
def test_a_broken_off_turn_goes_out_as_far_as_it_came(alice: Person, status: GenerationStatus) -> None:
    sent = after(alice, {"content": [text("Half an ")], "status": status, "stop_reason": ""})
    assert told(sent) == [("user", "Question"), ("assistant", "Half an "), ("user", "More")]


def test_a_call_that_nobody_answered_is_left_out_and_the_words_before_it_stay(alice: Person) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
    sent = after(alice, {"content": [text("I look."), call], "stop_reason": "tool_use"})
    assert told(sent)[1] == ("assistant", "I look.")


def test_server_tools_citations_and_unknown_blocks_go_back_as_they_came(alice: Person) -> None:
    use_block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    result = {
        "type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "https://a", "title": "A", "encrypted_content": "ZW5j"}],
    }  # fmt: skip
    cited = {
        "type": "text", "text": "Says A.",
        "citations": [{"type": "web_search_result_location", "url": "https://a", "encrypted_index": "aWR4"}],
    }  # fmt: skip
    odd = {"type": "hologram", "tool_use_id": "none", "depth": [1, 2.50, None, {"z": "\u2028"}]}
    content = [use_block, result, cited, odd]
    assert told(after(alice, {"content": content}))[1] == ("assistant", content)


@pytest.mark.parametrize("dialect", ["rockapi", "llamacpp", "ollama", "vllm"])
def test_servers_that_know_neither_get_no_citations_and_no_server_tools(
    alice: Person, model: LanguageModel, dialect: str
) -> None:
    """They refuse them, and with them every further message to another model than the one that answered."""
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    citation = {"type": "char_location", "cited_text": "A", "document_index": 0}
    content = [call, result, {**text("Says A."), "citations": [citation]}]
    sent = alice.start("Question")
    finished(sent["generation"], content=content)
    again = alice.send(sent["conversation"], "Again")
    finished(again["generation"], content=[call, result])
    more = alice.send(sent["conversation"], "More")
    assert told(more)[1] == ("assistant", content)
    assert told(more)[3] == ("assistant", [call, result])
    Provider.objects.update(dialect=dialect)
    assert told(more) == [
        ("user", "Question"),
        ("assistant", "Says A."),
        ("user", [text("Again"), text("More")]),
    ]
    Provider.objects.update(dialect="litellm")
    assert told(more)[1] == ("assistant", content)


def test_a_server_tools_call_without_its_result_is_left_out(alice: Person) -> None:
    """The answer broke off between the two, or was paused and never continued."""
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    sent = after(alice, {"content": [text("I look."), call], "status": INTERRUPTED, "stop_reason": ""})
    assert told(sent)[1] == ("assistant", "I look.")
    sent = after(alice, {"content": [text("I look."), call], "stop_reason": "pause_turn"})
    assert told(sent)[1] == ("assistant", "I look.")
    sent = after(alice, {"content": [THOUGHT, call], "status": INTERRUPTED, "stop_reason": ""})
    assert told(sent) == [("user", [text("Question"), text("More")])]


@pytest.mark.parametrize(
    "call", [[], [{"input": {}, "partial_json": '{"query": "x'}]], ids=["none", "broken"]
)
def test_a_server_tools_result_without_its_call_is_left_out(
    alice: Person, call: list[dict[str, Any]]
) -> None:
    """Its input was no JSON, say: no request can hold it, and one with the result alone is refused."""
    calls = [{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", **rest} for rest in call]
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    assert told(after(alice, {"content": [*calls, result, text("So.")]}))[1] == ("assistant", "So.")


def test_a_result_that_came_with_the_continuation_belongs_to_its_call(
    alice: Person, model: LanguageModel
) -> None:
    use(model, "claude-opus-5-5")
    sent = alice.start("Question")
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    finished(sent["generation"], content=[call], stop_reason="pause_turn")
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    more = alice.post(path).json()
    rest = [{"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}, text("Found.")]
    finished(more["generation"], content=rest)
    assert told(alice.send(sent["conversation"]))[1] == ("assistant", [call, *rest])


def test_a_branch_sends_its_own_path_and_nothing_of_its_siblings(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], "First answer")
    base = f"/conversations/{sent['conversation']}/messages/"
    other = alice.post(f"{base}{sent['reply']}/regenerate/").json()
    assert told(other) == [("user", "Question")]
    finished(other["generation"], "Second answer")
    more = alice.send(sent["conversation"], "More", parent=sent["reply"])
    assert told(more) == [("user", "Question"), ("assistant", "First answer"), ("user", "More")]
    finished(more["generation"])
    edited = alice.post(f"{base}{sent['message']}/edit/", {"text": "Better"}).json()
    assert told(edited) == [("user", "Better")]


# Thinking.


def test_thinking_goes_back_byte_for_byte_through_the_database(alice: Person) -> None:
    content = [THOUGHT, SECRET, text("So.")]
    sent = after(alice, {"content": content})
    (_, back), _ = told(sent)[1:]
    assert json.dumps(back, ensure_ascii=False) == json.dumps(content, ensure_ascii=False)


def test_empty_thinking_with_a_signature_is_kept(alice: Person) -> None:
    omitted = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    assert told(after(alice, {"content": [omitted, text("So.")]}))[1] == ("assistant", [omitted, text("So.")])


def test_unsigned_thinking_is_stripped(alice: Person) -> None:
    unsigned = {"type": "thinking", "thinking": "Hm", "signature": ""}
    assert told(after(alice, {"content": [unsigned, text("So.")]}))[1] == ("assistant", "So.")


def test_another_model_strips_all_thinking(alice: Person, model: LanguageModel) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, text("So.")])
    other = LanguageModel.objects.create(provider=model.provider, model_id="claude-sonnet-4-5")
    alice.post(f"/conversations/{sent['conversation']}/settings/", {"model": str(other.pk)})
    assert told(alice.send(sent["conversation"]))[1] == ("assistant", "So.")


@pytest.mark.parametrize("change", [{"base_url": "https://elsewhere.test"}, {"dialect": "aimlapi"}])
def test_another_upstream_strips_all_thinking(
    alice: Person, model: LanguageModel, change: dict[str, str]
) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, SECRET, text("So.")])
    Provider.objects.filter(pk=model.provider_id).update(**change)
    assert told(alice.send(sent["conversation"]))[1] == ("assistant", "So.")


INVALID = {"status": FAILED, "stop_reason": "", "content": [], "error": {"type": "invalid", "message": "No."}}


def test_thinking_that_a_provider_refuses_is_left_out_from_then_on(alice: Person) -> None:
    """Its signature is broken, say: the next message, or the next try, comes through (promise P26)."""
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, text("So.")])
    refused = alice.send(sent["conversation"], "More")
    assert told(refused)[1] == ("assistant", [THOUGHT, text("So.")])
    finished(refused["generation"], **INVALID)
    hi = alice.send(sent["conversation"], "hi")
    assert told(hi)[1] == ("assistant", "So.")
    finished(hi["generation"], content=[THOUGHT, text("Hi.")])
    assert told(alice.send(sent["conversation"], "And?"))[3] == ("assistant", [THOUGHT, text("Hi.")])


def test_thinking_that_a_provider_refuses_is_left_out_of_the_next_try_and_what_follows(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, text("So.")])
    refused = alice.send(sent["conversation"], "More")
    finished(refused["generation"], **INVALID)
    path = f"/conversations/{sent['conversation']}/messages/{refused['reply']}/regenerate/"
    again = alice.post(path).json()
    assert told(again)[1] == ("assistant", "So.")
    finished(again["generation"], "Well.")
    assert told(alice.send(sent["conversation"], "And?"))[1] == ("assistant", "So.")


def test_another_system_prompt_strips_all_thinking(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, text("So.")])
    alice.post(f"/conversations/{sent['conversation']}/settings/", {"system": "Be brief."})
    assert told(alice.send(sent["conversation"]))[1] == ("assistant", "So.")


def test_thinking_after_a_change_of_model_and_back_stays_stripped_from_the_change_on(
    alice: Person, model: LanguageModel
) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, text("One.")])
    other = LanguageModel.objects.create(provider=model.provider, model_id="claude-sonnet-4-5")
    settings = f"/conversations/{sent['conversation']}/settings/"
    alice.post(settings, {"model": str(other.pk)})
    middle = alice.send(sent["conversation"], "Two?")
    finished(middle["generation"], content=[THOUGHT, text("Two.")])
    alice.post(settings, {"model": str(model.pk)})
    contents = [
        content for role, content in told(alice.send(sent["conversation"], "Three?")) if role == "assistant"
    ]
    assert contents == [[THOUGHT, text("One.")], "Two."]


def test_thinking_is_not_carried_into_a_copy(alice: Person) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=[THOUGHT, text("So.")])
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/fork/"
    copy = alice.post(path).json()["conversation"]
    assert told(alice.send(copy))[1] == ("assistant", "So.")


def test_thinking_survives_the_whole_way_from_the_wire_to_the_wire(world: World) -> None:
    raw = '{"type":"thinking","thinking":"a\\u2028\\"b\\\\ é👩‍👩‍👧 ","signature":"c2ln/+=="}'
    block = json.loads(raw)
    world.upstream.script(
        wire.message_start(), wire.block_start(0, type="thinking", thinking="", signature=""),
        *(wire.delta(0, type="thinking_delta", thinking=letter) for letter in block["thinking"]),
        wire.delta(0, type="signature_delta", signature=block["signature"]), wire.block_stop(0),
        wire.block_start(1), wire.text_delta("So.", 1), wire.block_stop(1), wire.message_end(),
    )  # fmt: skip
    sent, _ = world.answer()
    more = world.alice.send(sent["conversation"])
    world.ended(more)
    asked = world.asked()[-1].body["messages"]
    assert asked[1]["content"][0] == block
    assert json.dumps(asked[1]["content"][0]) == json.dumps(block), "also the order of its keys"


# Code that ran at the upstream.

RAN: list[dict[str, Any]] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash_code_execution", "input": {"command": "ls"}},
    {
        "type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1",
        "content": {"type": "bash_code_execution_result", "stdout": "a", "stderr": "", "return_code": 0, "content": []},
    },
    text("Done."),
]  # fmt: skip


CONTAINER = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}


def test_the_container_of_the_newest_code_is_named_again(alice: Person) -> None:
    sent = alice.start("Question")
    assert request_of(sent).container == ""
    finished(sent["generation"], content=RAN, container=CONTAINER)
    more = alice.send(sent["conversation"], "More")
    assert request_of(more).container == "container_1"
    finished(more["generation"], "Nothing ran.")
    again = alice.send(sent["conversation"], "And?")
    assert request_of(again).container == "container_1"
    finished(again["generation"], content=RAN, status=INTERRUPTED, stop_reason="")
    last = alice.send(sent["conversation"], "Go on")
    assert request_of(last).container == "container_1", "it broke off before it named one"
    finished(last["generation"], content=RAN, container={"id": "container_2", "expires_at": ""})
    assert request_of(alice.send(sent["conversation"], "And?")).container == "container_2"


def test_a_paused_turn_goes_on_in_its_container(alice: Person, model: LanguageModel) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=RAN[:1], stop_reason="pause_turn", container=CONTAINER)
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    assert request_of(alice.post(path).json()).container == "container_1"


@pytest.mark.parametrize("given", [None, {"id": "", "expires_at": ""}])
def test_an_answer_without_a_container_names_none(alice: Person, given: Any) -> None:
    assert request_of(after(alice, {"content": RAN, "container": given})).container == ""


def test_a_container_that_is_gone_for_good_is_not_named(alice: Person) -> None:
    sent = after(alice, {"content": RAN, "container": CONTAINER})
    code = Message.objects.filter(role="assistant", generation__container__isnull=False)
    for days, expected in ((29, "container_1"), (31, "")):
        code.update(created_at=timezone.now() - timedelta(days=days))
        assert request_of(sent).container == expected


def test_a_container_stays_with_its_upstream_and_its_conversation(
    alice: Person, model: LanguageModel
) -> None:
    sent = alice.start("Question")
    finished(sent["generation"], content=RAN, container=CONTAINER)
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/fork/"
    copy = alice.post(path).json()["conversation"]
    assert request_of(alice.send(copy)).container == ""
    Provider.objects.filter(pk=model.provider_id).update(base_url="https://elsewhere.test")
    assert request_of(alice.send(sent["conversation"])).container == ""


@pytest.mark.parametrize("error", ["invalid", "model", "service"])
def test_a_container_that_a_provider_refuses_is_not_named_from_then_on(alice: Person, error: str) -> None:
    """It was taken away before its time, say: the next message comes through (promise P26)."""
    refused = after(alice, {"content": RAN, "container": CONTAINER})
    finished(refused["generation"], **INVALID | {"error": {"type": error, "message": "No."}})
    conversation = Generation.objects.get(pk=refused["generation"]).conversation_id
    assert request_of(alice.send(str(conversation), "hi")).container == ""


def test_a_container_comes_from_the_wire_and_goes_back_to_it(world: World) -> None:
    world.upstream.script(
        wire.message_start(),
        *(wire.block_start(at, **block) + wire.block_stop(at) for at, block in enumerate(RAN)),
        wire.message_end(container=CONTAINER),
    )
    sent, _ = world.answer()
    more = world.alice.send(sent["conversation"])
    world.ended(more)
    asked = world.asked()[-1].body
    assert (asked["container"], asked["messages"][1]["content"]) == ("container_1", RAN)


# Going on.


def continued(person: Person, content: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    sent = person.start("Question")
    finished(sent["generation"], content=content, status=INTERRUPTED, stop_reason="")
    if settings:
        person.post(f"/conversations/{sent['conversation']}/settings/", settings)
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    response = person.post(path)
    assert response.status_code == 201, response.content
    return response.json() | {"conversation": sent["conversation"]}  # type: ignore[attr-defined, no-any-return]


def test_going_on_by_prefill_ends_in_the_answer_without_white_space(alice: Person) -> None:
    assert told(continued(alice, [text("One, two, \n")])) == [
        ("user", "Question"),
        ("assistant", "One, two,"),
    ]


def test_going_on_by_prefill_is_stored_joined_and_sent_as_one_turn_later(alice: Person) -> None:
    more = continued(alice, [text("One, two, ")])
    finished(more["generation"], "three.")
    sent = alice.send(more["conversation"], "And?")
    assert told(sent) == [
        ("user", "Question"), ("assistant", [text("One, two, "), text("three.")]), ("user", "And?"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model_id", "settings"),
    [
        ("claude-opus-5-5", {}),
        ("claude-opus-4-6", {}),
        ("claude-opus-4-5", {"thinking": "on"}),
        ("unknown-model", {}),
    ],
)
def test_where_prefill_is_refused_a_turn_of_ours_quotes_the_end(
    alice: Person, model: LanguageModel, model_id: str, settings: dict[str, str]
) -> None:
    use(model, model_id)
    more = continued(alice, [text("x" * 300 + " and the end")], **settings)
    turns = told(more)
    assert [role for role, _ in turns] == ["user", "assistant", "user"]
    assert "x" * 50 + " and the end" in turns[2][1]
    assert "x" * 250 not in turns[2][1]


@pytest.mark.parametrize("change", [{"model": "claude-opus-5-5"}, {"thinking": "on"}])
def test_a_prefilled_continuation_can_be_asked_for_again_where_prefill_is_refused(
    alice: Person, model: LanguageModel, change: dict[str, str]
) -> None:
    """A request that ends in an answer would be refused, with every try (promise P26)."""
    first = continued(alice, [text("One, two,")])
    finished(first["generation"], **INVALID)
    if "model" in change:
        other = LanguageModel.objects.create(provider=model.provider, model_id=change["model"])
        change = {"model": str(other.pk)}
    alice.post(f"/conversations/{first['conversation']}/settings/", change)
    path = f"/conversations/{first['conversation']}/messages/{first['reply']}/regenerate/"
    again = alice.post(path).json()
    (_, half, (role, asking)) = told(again)
    assert half == ("assistant", "One, two,")
    assert role == "user" and "One, two," in asking
    finished(again["generation"], content=[THOUGHT, text(" three.")])
    later = alice.send(first["conversation"], "And?")
    assert told(later) == [
        ("user", "Question"), ("assistant", [text("One, two,"), text(" three.")]), ("user", "And?"),
    ], "its thinking came after words that are not there any more"  # fmt: skip


def test_an_answer_cut_inside_its_thinking_is_asked_for_its_text(alice: Person) -> None:
    more = continued(alice, [{"type": "thinking", "thinking": "Hm", "signature": ""}])
    ((role, content),) = told(more)
    assert role == "user"
    assert content[0] == text("Question")
    assert len(content) == 2


@pytest.mark.parametrize("reason", ["pause_turn", "compaction"])
@pytest.mark.parametrize("after_it", [[], [text("And \n")], [{"type": "compaction", "content": "In short"}]])
def test_a_paused_turn_is_sent_again_as_it_is(
    alice: Person, model: LanguageModel, reason: str, after_it: list[dict[str, Any]]
) -> None:
    use(model, "claude-opus-5-5")
    sent = alice.start("Question")
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    finished(sent["generation"], content=[text("I look. "), call, *after_it], stop_reason=reason)
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    more = alice.post(path).json()
    assert told(more) == [("user", "Question"), ("assistant", [text("I look. "), call, *after_it])]


def test_half_an_answer_stays_when_the_model_declines_to_go_on_with_it(alice: Person) -> None:
    declined = continued(alice, [text("One, two,")])
    finished(declined["generation"], content=[text("No.")], stop_reason="refusal")
    assert told(alice.send(declined["conversation"], "Well?")) == [
        ("user", "Question"), ("assistant", "One, two,"), ("user", "Well?"),
    ]  # fmt: skip


# Parameters.


def test_the_longest_answer_is_what_was_chosen_as_far_as_the_model_is_known_to_go(
    model: LanguageModel,
) -> None:
    for row in MODELS.values():
        model.model_id = row.id
        assert model.max_tokens(None) == min(16_384, row.max_output)
        assert model.max_tokens(10**9) == row.max_output
    model.model_id = "somebody-elses"
    assert (model.max_tokens(None), model.max_tokens(32_000)) == (16_384, 32_000)
    model.capabilities = {"max_output": 8000}
    assert (model.max_tokens(None), model.max_tokens(32_000)) == (8000, 8000)


@pytest.mark.parametrize(("model_id", "asked"), [("claude-opus-5-5", True), ("somebody-elses", False)])
def test_what_was_read_before_is_read_from_the_cache(
    alice: Person, model: LanguageModel, model_id: str, asked: bool
) -> None:
    use(model, model_id)
    assert (request_of(alice.start()).cache_control == {"type": "ephemeral"}) is asked


def test_the_parameters_of_the_conversation_go_out_with_the_next_request(alice: Person) -> None:
    given = {
        "system": "Be brief.", "max_tokens": "500", "temperature": "0.5", "top_k": "40",
        "stop_sequences": "END",
    }  # fmt: skip
    sent = alice.start("Question", **given)
    request = request_of(sent)
    assert (request.system, request.max_tokens, request.temperature, request.top_k, request.stop_sequences) == (
        "Be brief.", 500, 0.5, 40, ["END"],
    )  # fmt: skip


def test_max_tokens_is_always_sent_and_never_above_the_models_own(
    alice: Person, model: LanguageModel
) -> None:
    assert request_of(alice.start()).max_tokens == 16_384
    assert request_of(alice.start(max_tokens="900000")).max_tokens == 64_000
    use(model, "claude-3-haiku")
    assert request_of(alice.start()).max_tokens <= 8192


def test_the_workspaces_system_prompt_holds_unless_the_conversation_has_its_own(alice: Person) -> None:
    Workspace.objects.create(pk=1, system_prompt="You work\r\nfor Acme.")
    assert request_of(alice.start()).system == "You work\nfor Acme."
    assert request_of(alice.start(system="Be brief.")).system == "Be brief."


@pytest.mark.parametrize(
    ("model_id", "choice", "thinking"),
    [
        ("claude-opus-4-5", "", None),
        ("claude-opus-4-5", "on", {"type": "enabled", "budget_tokens": 4096}),
        ("claude-opus-4-5", "off", {"type": "disabled"}),
        ("claude-opus-4-8", "", None),
        ("claude-opus-4-8", "on", {"type": "adaptive", "display": "summarized"}),
        ("claude-opus-4-8", "off", {"type": "disabled"}),
        ("claude-opus-5-5", "", {"type": "adaptive", "display": "summarized"}),
        ("claude-opus-5-5", "off", None),
        ("claude-haiku-5-5", "off", {"type": "disabled"}),
        ("claude-sonnet-5-5", "off", {"type": "disabled"}),
        ("claude-3-5-sonnet", "on", None),
        ("unknown-model", "on", None),
    ],
)
def test_thinking_is_asked_for_as_each_model_takes_it(
    alice: Person, model: LanguageModel, model_id: str, choice: str, thinking: dict[str, Any] | None
) -> None:
    use(model, model_id)
    found = request_of(alice.start(thinking=choice)).thinking
    if thinking is None and choice == "off":
        assert found is None or found["type"] == "adaptive"
    else:
        assert found == thinking


def test_the_body_on_the_wire_leaves_out_what_the_model_refuses(world: World) -> None:
    LanguageModel.objects.update(model_id="claude-opus-5-5")
    world.answer("Hello")
    sent = world.alice.start("Hello", temperature="0.5", top_k="3", thinking="off", effort="max")
    world.ended(sent)
    body = world.asked()[-1].body
    assert not {"temperature", "top_k", "top_p"} & set(body)
    assert body["output_config"] == {"effort": "max"}
    assert body["stream"] is True
    assert body["messages"] == [{"role": "user", "content": [text("Hello")]}]


def test_the_headers_on_the_wire_carry_one_key_and_ask_for_plain_bytes(world: World) -> None:
    world.answer()
    headers = world.upstream.calls[0].headers
    assert headers["x-api-key"] == "sk-canary-0123456789abcdef"
    assert "authorization" not in headers
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers


def test_request_n_plus_one_begins_with_request_n(world: World) -> None:
    """So that prompt caching and signatures hold (DESIGN, append-only)."""
    LanguageModel.objects.update(model_id="claude-opus-5-5")
    world.upstream.script(
        wire.message_start(), wire.block_start(0, type="thinking", thinking="", signature=""),
        wire.delta(0, type="signature_delta", signature="c2ln"), wire.block_stop(0),
        wire.block_start(1), wire.text_delta("One.", 1), wire.block_stop(1), wire.message_end(),
    )  # fmt: skip
    sent, _ = world.answer(
        "First",
    )
    for number in range(3):
        more = world.alice.send(sent["conversation"], f"Next {number}")
        world.ended(more)
    bodies = [call.body for call in world.asked()]
    for before, later in zip(bodies, bodies[1:], strict=False):
        plain = [_without_marks(turn) for turn in before["messages"]]
        assert [_without_marks(turn) for turn in later["messages"]][: len(plain)] == plain
        assert {k: v for k, v in before.items() if k != "messages"} == {
            k: v for k, v in later.items() if k != "messages"
        }


def _without_marks(turn: dict[str, Any]) -> dict[str, Any]:
    """A cache mark moves on to the last turn; it is no part of what is cached."""
    if isinstance(turn["content"], str):
        return turn
    blocks = [{k: v for k, v in block.items() if k != "cache_control"} for block in turn["content"]]
    return {**turn, "content": blocks}


def test_a_generation_whose_model_row_is_gone_fails_plainly(alice: Person) -> None:
    sent = alice.start()
    LanguageModel.objects.all().delete()
    generation = Generation.objects.select_related("conversation", "message__parent").get(
        pk=sent["generation"]
    )
    with pytest.raises(ValueError, match="removed"):
        context.prepare(generation)


def test_a_long_conversation_is_sent_whole(alice: Person) -> None:
    conversation = Conversation.objects.create(owner=alice.user)
    parent = None
    for number in range(40):
        role = "assistant" if number % 2 else "user"
        parent = Message.objects.create(
            conversation=conversation, parent=parent, role=role, content=[text(str(number))]
        )
    conversation.current_leaf = parent
    conversation.save()
    sent = alice.send(str(conversation.pk), "Last")
    assert [content for _, content in told(sent)] == [str(number) for number in range(40)] + ["Last"]
    assert uuid.UUID(sent["message"])


def test_what_an_administrator_says_that_a_model_can_do_goes_before_the_table(
    world: World,
) -> None:
    model = LanguageModel.objects.get()
    model.model_id = "house-model"
    model.capabilities = {
        "documents": True, "sampling": True, "thinking": ["adaptive", "disabled"], "efforts": ["low", "high"],
    }  # fmt: skip
    model.save()
    file = SimpleUploadedFile("notes.txt", b"Some notes.", "text/plain")
    attachment = world.alice.post("/attachments/", {"file": file}).json()["id"]
    settings = {"temperature": "0.5", "thinking": "on", "effort": "high"}
    sent, _ = world.answer()
    world.alice.post(f"/conversations/{sent['conversation']}/settings/", settings)
    more = world.alice.send(sent["conversation"], attachments=attachment)
    world.ended(more)
    asked = world.asked()[-1].body
    assert asked["messages"][-1]["content"][0]["type"] == "document"
    assert asked["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert asked["output_config"] == {"effort": "high"}
    world.alice.post(f"/conversations/{sent['conversation']}/settings/", settings | {"thinking": "off"})
    more = world.alice.send(sent["conversation"])
    world.ended(more)
    assert world.asked()[-1].body["temperature"] == 0.5


def test_the_longest_answer_that_an_administrator_allows_is_asked_for(
    world: World,
) -> None:
    model = LanguageModel.objects.get()
    model.capabilities = {"max_output": 100_000}
    model.save()
    sent, _ = world.answer()
    world.alice.post(f"/conversations/{sent['conversation']}/settings/", {"max_tokens": "100000"})
    more = world.alice.send(sent["conversation"])
    world.ended(more)
    assert world.asked()[-1].body["max_tokens"] == 100_000


# What an upstream may put into an answer.

ODD: list[Any] = [None, 7, "x", [], {}, [7], {"a": 1}, True]


@pytest.mark.parametrize("streamed", [True, False])
def test_no_block_of_an_answer_keeps_a_conversation_from_going_on_or_its_page_from_opening(
    world: World, streamed: bool
) -> None:
    blocks = [
        {
            "type": kind,
            "id": odd,
            "tool_use_id": odd,
            "name": odd,
            "input": odd,
            "content": odd,
            "thinking": odd,
        }
        | {"citations": odd, "partial_json": odd, "source": odd, "data": odd}
        for odd in ODD
        for kind in ("tool_use", "server_tool_use", "web_search_tool_result", "redacted_thinking", "hologram")
    ]
    events = [wire.block_start(index, **block) + wire.block_stop(index) for index, block in enumerate(blocks)]
    if streamed:
        world.upstream.script(wire.message_start(), *events, wire.message_end())
    else:
        world.upstream.script(Reply(200, wire.data({"content": blocks, "stop_reason": "end_turn"})))
    sent, frames = world.answer()
    assert frames[-1]["status"] == "completed"
    page = f"/conversations/{sent['conversation']}/"
    assert world.alice.get(page, HTTP_ACCEPT="text/html").status_code == 200
    resumed = world.stream(world.alice, sent["generation"])
    assert [event for _, event, _ in resumed][-1] == "message_stop"
    more = world.alice.send(sent["conversation"], "hi")
    assert world.ended(more).status == "completed"


def test_an_upstream_gets_no_file_by_naming_it_in_an_answer(world: World) -> None:
    file = SimpleUploadedFile("secret.txt", b"Bob's secret.", "text/plain")
    stolen = world.bob.post("/attachments/", {"file": file}).json()["id"]
    for named in (stolen, "no-id-at-all", str(uuid.uuid4())):
        block = {"type": "document", "source": {"type": "attachment", "attachment": named}}
        world.upstream.script(
            wire.message_start(), wire.block_start(0, **block), wire.block_stop(0),
            wire.block_start(1), wire.text_delta("Hi", 1), wire.block_stop(1), wire.message_end(),
        )  # fmt: skip
        sent, _ = world.answer()
        more = world.alice.send(sent["conversation"], "hi")
        assert world.ended(more).status == "completed"
        assert "secret" not in json.dumps(world.asked()[-1].body)
        page = f"/conversations/{sent['conversation']}/"
        assert world.alice.get(page, HTTP_ACCEPT="text/html").status_code == 200
        copied = world.alice.post(f"{page}messages/{sent['reply']}/fork/")
        assert copied.status_code == 201, copied.content
    assert Attachment.objects.count() == 1, "no copy was made of Bob's file"

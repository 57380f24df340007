"""A file that the provider refuses cannot end a conversation: one click goes on without it (promise P26)."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from conversations.generation import context
from conversations.models import Generation, LanguageModel, Message
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Close, Reply, Step
from tests.world import Person, World, finished

from .given import attached, upload
from .test_sending import received, speak


def no(world: World, status: int, kind: str, message: str) -> None:
    """The next answer is refused."""
    body = {"type": "error", "error": {"type": kind, "message": message}}
    world.upstream.script(Reply(status, json.dumps(body).encode()))


def acts(person: Person, conversation: str, message: str) -> str:
    path = f"/conversations/{conversation}/messages/{message}/"
    return person.client.get(path).content.decode()


def omit(person: Person, conversation: str, message: str, client_id: str = "") -> Any:
    data = {"client_id": client_id or str(uuid.uuid4())}
    return person.post(f"/conversations/{conversation}/messages/{message}/omit/", data)


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (
            400,
            "invalid_request_error",
            "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum",
        ),
        (400, "invalid_request_error", "Could not process image"),
        (400, "invalid_request_error", "A maximum of 100 PDF pages may be provided"),
        (413, "request_too_large", "Request exceeds the maximum size"),
    ],
)
def test_one_click_goes_on_without_the_file(status: int, kind: str, message: str, world: World) -> None:
    speak(world, "anthropic")
    no(world, status, kind, message)
    sent = world.alice.start("Look", attachments=[upload(world.alice)["id"]])
    assert world.ended(sent).status == "failed"
    assert 'data-act="omit"' in acts(world.alice, sent["conversation"], sent["reply"])
    again = omit(world.alice, sent["conversation"], sent["reply"])
    assert again.status_code == 201 and set(again.json()) == {"message", "reply", "generation"}
    assert world.ended(again.json()).status == "completed"
    assert received(world) == [{"role": "user", "content": [{"type": "text", "text": "Look"}]}]
    block = world.alice.messages(sent["conversation"])[0]["content"][0]
    assert block["omitted"] is True and block["type"] == "image"
    world.ended(world.alice.send(sent["conversation"], "hi"))
    assert len(received(world)) == 3


def test_an_earlier_file_that_was_never_answered_to_is_found(world: World) -> None:
    speak(world, "anthropic")
    good, bad = upload(world.alice), upload(world.alice)
    sent = world.alice.start("Look", attachments=[good["id"]])
    world.ended(sent)
    no(world, 400, "invalid_request_error", "Could not process image")
    failed = world.alice.send(sent["conversation"], "And this?", attachments=[bad["id"]])
    world.ended(failed)
    no(world, 400, "invalid_request_error", "Could not process image")
    hi = world.alice.send(sent["conversation"], "hi")
    assert world.ended(hi).status == "failed"
    again = omit(world.alice, sent["conversation"], hi["reply"]).json()
    assert world.ended(again).status == "completed"
    turns = received(world)
    assert [block["type"] for block in turns[0]["content"]] == ["image", "text"]
    assert [block.get("text") for block in turns[2]["content"]] == ["And this?", "hi"]


def test_where_all_files_were_answered_to_all_of_them_go(world: World) -> None:
    speak(world, "anthropic")
    sent = world.alice.start("Look", attachments=[upload(world.alice)["id"]])
    world.ended(sent)
    no(world, 413, "request_too_large", "Request exceeds the maximum size")
    hi = world.alice.send(sent["conversation"], "hi")
    world.ended(hi)
    again = omit(world.alice, sent["conversation"], hi["reply"]).json()
    world.ended(again)
    assert "image" not in json.dumps(received(world))


def test_a_turn_that_was_nothing_but_a_file_still_says_something(world: World) -> None:
    speak(world, "anthropic")
    no(world, 400, "invalid_request_error", "Could not process image")
    sent = world.alice.start("", attachments=[upload(world.alice)["id"]])
    world.ended(sent)
    again = omit(world.alice, sent["conversation"], sent["reply"]).json()
    assert world.ended(again).status == "completed"
    assert "left out" in received(world)[0]["content"][0]["text"]


def test_a_lost_file_offers_the_same_way_out(world: World) -> None:
    from conversations.models import StoredFile

    body = upload(world.alice)
    for stored in StoredFile.objects.all():
        stored.file.storage.delete(str(stored.file))
    sent = world.alice.start("Look", attachments=[body["id"]])
    world.ended(sent)
    again = omit(world.alice, sent["conversation"], sent["reply"]).json()
    assert world.ended(again).status == "completed"


def refused_answer(person: Person, **fields: Any) -> dict[str, Any]:
    sent = person.start("Look", attachments=[str(attached(person.user).pk)])
    error = {"type": "invalid", "message": "The model service refused this request."}
    finished(sent["generation"], "", **({"status": "failed", "error": error, "stop_reason": ""} | fields))
    return sent


def test_the_same_click_twice_asks_once(alice: Person) -> None:
    sent = refused_answer(alice)
    client_id = str(uuid.uuid4())
    first = omit(alice, sent["conversation"], sent["reply"], client_id)
    second = omit(alice, sent["conversation"], sent["reply"], client_id)
    assert (first.status_code, second.status_code) == (201, 200) and first.json() == second.json()
    assert Generation.objects.count() == 2


def test_ones_own_turn_can_leave_its_files_out(alice: Person) -> None:
    note = attached(alice.user, data=b"one", name="note.txt", media_type="text/plain")
    files = [attached(alice.user), note]
    sent = alice.start("Look", attachments=[str(file.pk) for file in files])
    assert alice.client.get(sent["url"]).content.lower().count(b"left out of requests") == 0
    finished(sent["generation"])
    assert omit(alice, sent["conversation"], sent["message"]).json() == {"omitted": 2}
    assert omit(alice, sent["conversation"], sent["message"]).json() == {"omitted": 0}
    assert alice.client.get(sent["url"]).content.lower().count(b"left out of requests") == 2
    assert Message.objects.get(pk=sent["message"]).content[0]["omitted"] is True


def test_answers_that_failed_for_other_reasons_do_not_offer_it(alice: Person) -> None:
    busy = refused_answer(alice, error={"type": "busy", "message": "Busy."})
    assert 'data-act="omit"' not in acts(alice, busy["conversation"], busy["reply"])
    assert omit(alice, busy["conversation"], busy["reply"]).status_code == 400
    plain = alice.start("Hello")
    finished(plain["generation"], "", **REFUSED)
    assert 'data-act="omit"' not in acts(alice, plain["conversation"], plain["reply"])


REFUSED = {"status": "failed", "error": {"type": "invalid", "message": "No."}, "stop_reason": ""}


def test_words_that_are_too_many_are_left_out_as_well(world: World) -> None:
    """No conversation ends because of one message that a provider refuses."""
    speak(world, "anthropic")
    sent = world.alice.start("Hello")
    world.ended(sent)
    for text in ("An endless text", "hi"):
        no(world, 400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
        failed = world.alice.send(sent["conversation"], text)
        world.ended(failed)
    page = acts(world.alice, sent["conversation"], failed["reply"])
    assert "Go on without the earlier unanswered messages" in page and "New conversation" in page
    again = omit(world.alice, sent["conversation"], failed["reply"]).json()
    assert world.ended(again).status == "completed"
    assert "An endless text" not in json.dumps(received(world))
    assert received(world)[-1]["content"] == [{"type": "text", "text": "hi"}]
    page = world.alice.client.get(sent["url"]).content.decode()
    assert page.count("An endless text") == page.count("Left out of requests") == 1
    world.ended(world.alice.send(sent["conversation"], "And?"))
    assert "An endless text" not in json.dumps(received(world))


def left_out(world: World, first: str, *steps: Step) -> tuple[dict[str, Any], dict[str, Any]]:
    """A conversation whose first turn got no answer but these steps, the second a refusal; and the second's answer
    without the first.
    """
    speak(world, "anthropic")
    world.upstream.script(*steps)
    sent = world.alice.start(first)
    world.ended(sent)
    no(world, 400, "invalid_request_error", "Output blocked by content filtering policy")
    failed = world.alice.send(sent["conversation"], "hi")
    world.ended(failed)
    again = omit(world.alice, sent["conversation"], failed["reply"]).json()
    assert world.ended(again).status == "completed"
    return sent, again


def test_half_an_answer_goes_with_the_turn_that_is_left_out(world: World) -> None:
    """By itself it would be the first turn of a request, which has to be a person's."""
    left_out(
        world, "An endless text", wire.message_start(), wire.block_start(), wire.text_delta("Half"), Close()
    )
    assert received(world) == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]


def test_a_continuation_goes_with_the_question_that_it_belongs_to(alice: Person) -> None:
    """Without it, it would be asked to go on with nothing."""
    LanguageModel.objects.update(model_id="claude-opus-5-5")
    sent = alice.start("An endless text")
    half = [{"type": "text", "text": "Half"}]
    finished(sent["generation"], status="interrupted", content=half, stop_reason="")
    path = f"/conversations/{sent['conversation']}/messages/"
    more = alice.post(f"{path}{sent['reply']}/continue/").json()  # type: ignore[attr-defined]
    finished(more["generation"], "", **REFUSED)
    assert more["message"] != sent["reply"]
    assert "Go on without" not in acts(alice, sent["conversation"], more["reply"])
    failed = alice.send(sent["conversation"], "hi")
    finished(failed["generation"], "", **REFUSED)
    again = omit(alice, sent["conversation"], failed["reply"]).json()
    asked = context.prepare(Generation.objects.get(pk=again["generation"])).request.messages
    assert asked == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]


def test_a_turn_that_was_left_out_is_sent_where_it_is_asked_again_and_answered(world: World) -> None:
    refused = Reply(400, wire.error_body("invalid_request_error", "No."))
    sent, again = left_out(world, "A long text", refused)
    asked = [{"role": "user", "content": [{"type": "text", "text": "A long text"}]}]
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/regenerate/"
    answered = world.alice.post(path, {"client_id": str(uuid.uuid4())}).json()  # type: ignore[attr-defined]
    assert world.ended(answered).status == "completed"
    assert received(world) == asked
    for above in (answered, again):
        world.ended(world.alice.send(sent["conversation"], parent=above["reply"]))
        assert [turn["role"] for turn in received(world)] == ["user", "assistant", "user"]
        assert (received(world)[:1] == asked) is (above is answered)


def test_each_refused_answer_of_a_page_offers_what_stands_before_it(alice: Person) -> None:
    """The first has nothing before it, the second a turn without an answer, the third a file."""
    first = alice.start("Hello")
    finished(first["generation"], "", **REFUSED)
    second = alice.send(first["conversation"], "Hello?")
    finished(second["generation"], "", **REFUSED)
    third = alice.send(first["conversation"], "Look", attachments=[str(attached(alice.user).pk)])
    finished(third["generation"], "", **REFUSED)
    offered = ["the earlier unanswered messages", "the files"]
    page = alice.client.get(first["url"]).content.decode()
    assert re.findall("Go on without ([^<]+)<", page) == offered
    alone = [acts(alice, first["conversation"], one["reply"]) for one in (first, second, third)]
    assert [re.findall("Go on without ([^<]+)<", part) for part in alone] == [[], offered[:1], offered[1:]]


def test_a_turn_that_only_silence_answered_can_be_to_blame(alice: Person) -> None:
    """An answer of white space or thinking alone is not sent, so that both turns go out as one."""
    first = alice.start("An endless text")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    finished(first["generation"], content=[thought, {"type": "text", "text": " \n"}])
    failed = alice.send(first["conversation"], "hi")
    finished(failed["generation"], "", **REFUSED)
    page = acts(alice, first["conversation"], failed["reply"])
    assert "Go on without the earlier unanswered messages" in page
    assert omit(alice, first["conversation"], failed["reply"]).status_code == 201
    assert Message.objects.get(pk=first["message"]).content[0]["omitted"] is True


def test_after_it_thinking_is_not_replayed_against_another_beginning(world: World) -> None:
    speak(world, "anthropic", "claude-opus-4-5")
    sent = world.alice.start("Look", attachments=[upload(world.alice)["id"]])
    ended = world.ended(sent)
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    Message.objects.filter(pk=ended.message_id).update(
        content=[thought, {"type": "text", "text": "A picture."}]
    )
    world.ended(world.alice.send(sent["conversation"], "More"))
    assert received(world)[1]["content"][0] == thought
    omit(world.alice, sent["conversation"], sent["message"])
    world.ended(world.alice.send(sent["conversation"], "And more"))
    assert received(world)[1]["content"] == [{"type": "text", "text": "A picture."}]

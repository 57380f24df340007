"""The same send, however often and from wherever: one row, one call, one answer."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from conversations.generation import supervisor
from conversations.models import Conversation, Generation, Message
from tests import patience
from tests.fake_upstream import wire
from tests.world import Person, World, finished

pytestmark = pytest.mark.any_database


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """`call(number)` in that many threads, all let go at the same moment; their results."""
    gate = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        gate.wait(patience.SECONDS)
        try:
            results[number] = call(number)
        except BaseException as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_the_same_send_again_answers_200_with_the_same_body(alice: Person) -> None:
    fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
    first = alice.post("/conversations/", fields)
    second = alice.post("/conversations/", fields)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert Conversation.objects.count() == 1


def test_the_same_next_message_again_answers_200_also_while_it_is_answered_and_later(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    fields = {"text": "More", "client_id": str(uuid.uuid4())}
    path = f"/conversations/{sent['conversation']}/messages/"
    first = alice.post(path, fields)
    assert alice.post(path, fields).status_code == 200, "looked up before busy"
    finished(first.json()["generation"])
    later = alice.post(path, fields)
    assert (later.status_code, later.content) == (200, first.content)
    assert Message.objects.count() == 4


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Other"},
        {"text": ""},
        {"text": "x" * 200_001},
        {"model": "claude-opus-4-5"},
        {"system": "Be brief."},
        {"temperature": "9"},
    ],
)
def test_the_same_id_with_other_fields_answers_409_and_stores_nothing(
    alice: Person, other: dict[str, str]
) -> None:
    fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
    alice.post("/conversations/", fields)
    response = alice.post("/conversations/", fields | other)
    assert (response.status_code, response.json()["error"]["type"]) == (409, "client_id_reused")
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)


def test_lines_end_as_they_may_in_json_and_in_a_form(alice: Person) -> None:
    """A browser sends CRLF in a form: it is the same message that is stored."""
    sent = alice.start()
    finished(sent["generation"])
    base = f"/conversations/{sent['conversation']}/messages/"
    for path, fields in (
        ("/conversations/", {"text": "One\ntwo", "system": "Be\nbrief."}),
        (base, {"text": "One\ntwo"}),
        (f"{base}{sent['message']}/edit/", {"text": "One\ntwo"}),
    ):
        fields["client_id"] = str(uuid.uuid4())
        first = alice.post(path, fields, content_type="application/json")
        form = alice.post(path, {name: value.replace("\n", "\r\n") for name, value in fields.items()})
        assert (first.status_code, form.status_code) == (201, 200), (path, form.content)
        assert first.content == form.content
        finished(first.json()["generation"])


def test_the_same_next_message_with_a_text_that_cannot_be_sent_answers_409_as_well(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    fields = {"text": "More", "client_id": str(uuid.uuid4())}
    path = f"/conversations/{sent['conversation']}/messages/"
    alice.post(path, fields)
    for text in ("", "x" * 200_001):
        response = alice.post(path, fields | {"text": text})
        assert (response.status_code, response.json()["error"]["type"]) == (409, "client_id_reused")
    assert Message.objects.count() == 4


def test_a_server_that_is_about_to_stop_still_knows_what_it_was_sent(world: World) -> None:
    fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
    first = world.alice.post("/conversations/", fields)
    supervisor.supervisor.draining = True
    try:
        again = world.alice.post("/conversations/", fields)
        other = world.alice.post("/conversations/", fields | {"client_id": str(uuid.uuid4())})
    finally:
        supervisor.supervisor.draining = False
    assert (again.status_code, again.content) == (200, first.content)
    assert (other.status_code, other.json()["error"]["type"]) == (503, "unavailable")


def test_the_same_id_for_another_kind_of_send_answers_409(alice: Person) -> None:
    client_id = str(uuid.uuid4())
    sent = alice.start("Hello", client_id=client_id)
    finished(sent["generation"])
    base = f"/conversations/{sent['conversation']}/messages/"
    for path, fields in (
        (base, {"text": "Hello"}),
        (f"{base}{sent['message']}/edit/", {"text": "Hello"}),
        (f"{base}{sent['reply']}/regenerate/", {}),
    ):
        response = alice.post(path, fields | {"client_id": client_id})
        assert (response.status_code, response.json()["error"]["type"]) == (409, "client_id_reused"), path
    assert Message.objects.count() == 2


def test_another_parent_is_another_field(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    path = f"/conversations/{sent['conversation']}/messages/"
    fields = {"text": "More", "client_id": str(uuid.uuid4())}
    alice.post(path, fields)
    assert alice.post(path, fields | {"parent": sent["message"]}).status_code == 409


def test_the_id_is_each_persons_own(alice: Person, bob: Person) -> None:
    client_id = str(uuid.uuid4())
    first = alice.start("Hello", client_id=client_id)
    second = bob.start("Something else", client_id=client_id)
    assert first["conversation"] != second["conversation"]


def test_an_edit_a_regeneration_and_a_continuation_are_idempotent_too(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"], stop_reason="max_tokens")
    base = f"/conversations/{sent['conversation']}/messages/"
    for path, fields in (
        (f"{base}{sent['message']}/edit/", {"text": "Better"}),
        (f"{base}{sent['reply']}/regenerate/", {}),
        (f"{base}{sent['reply']}/continue/", {}),
    ):
        data = fields | {"client_id": str(uuid.uuid4())}
        first, second = alice.post(path, data), alice.post(path, data)
        assert (first.status_code, second.status_code) == (201, 200), (path, first.content)
        assert first.content == second.content
        finished(first.json()["generation"])


def test_twenty_equal_starts_at_once_make_one_conversation_and_one_call(world: World) -> None:
    fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
    people = [Person(world.alice.user) for _ in range(20)]
    answers = at_once(20, lambda number: people[number].post("/conversations/", fields))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
    assert len({answer.content for answer in answers}) == 1
    assert (Conversation.objects.count(), Message.objects.count(), Generation.objects.count()) == (1, 2, 1)
    world.ended(answers[0].json())
    assert len([call for call in world.upstream.calls if call.body.get("stream")]) == 1


def test_twenty_equal_messages_at_once_make_one_message(world: World) -> None:
    sent, _ = world.answer()
    fields = {"text": "More", "client_id": str(uuid.uuid4())}
    people = [Person(world.alice.user) for _ in range(20)]
    path = f"/conversations/{sent['conversation']}/messages/"
    answers = at_once(20, lambda number: people[number].post(path, fields))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
    assert len({answer.content for answer in answers}) == 1
    assert Message.objects.count() == 4


def test_different_messages_at_once_on_one_branch_make_one_and_the_others_are_busy(world: World) -> None:
    sent, _ = world.answer()
    people = [Person(world.alice.user) for _ in range(8)]
    path = f"/conversations/{sent['conversation']}/messages/"
    answers = at_once(
        8,
        lambda number: people[number].post(
            path, {"text": f"load-200-10 {number}", "client_id": str(uuid.uuid4())}
        ),
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert {answer.json()["error"]["type"] for answer in answers if answer.status_code == 409} == {"busy"}
    assert Message.objects.count() == 4


@pytest.mark.parametrize("act", ["edit", "regenerate"])
def test_a_send_and_another_act_on_its_branch_at_once_start_one_answer(world: World, act: str) -> None:
    world.upstream.script(*wire.text_answer("Quick."))
    sent, _ = world.answer("load-200-10")
    base = f"/conversations/{sent['conversation']}/messages/"
    calls = [
        (base, {"text": "load-200-10"}),
        (f"{base}{sent['message' if act == 'edit' else 'reply']}/{act}/", {"text": "load-200-10 edited"}),
    ]
    people = [Person(world.alice.user) for _ in calls]
    answers = at_once(
        2, lambda n: people[n].post(calls[n][0], calls[n][1] | {"client_id": str(uuid.uuid4())})
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 1}
    assert Generation.objects.live().count() == 1

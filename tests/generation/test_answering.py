"""One message from key press to key press, in one process."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from conversations.live import replay
from conversations.models import Generation
from conversations.upstream.accumulator import Accumulator
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Head
from tests.world import World


def test_an_answer_streams_to_the_open_page_and_is_stored(world: World) -> None:
    sent, frames = world.answer("Hello")
    text = "".join(f["delta"]["text"] for f in frames if f["type"] == "content_block_delta")
    assert text == "Hello from the fake upstream."
    assert frames[-1]["status"] == "completed"
    stored = world.alice.messages(sent["conversation"])[-1]
    assert stored["content"] == [{"type": "text", "text": text}]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, "req_fake"), ({"request-id": "", "x-inference-id": "inf_1"}, "inf_1")],
)
def test_the_upstreams_name_for_a_call_is_kept_also_where_all_went_well(
    world: World, headers: dict[str, str], expected: str
) -> None:
    world.upstream.script(Head(headers=headers), *wire.text_answer("Hi"))
    sent, _ = world.answer()
    assert Generation.objects.get(pk=sent["generation"]).request_id == expected
    world.upstream.script(*wire.text_answer("Half")[:-2])
    more = world.alice.send(sent["conversation"])
    assert world.ended(more).status == "interrupted"
    assert Generation.objects.get(pk=more["generation"]).request_id == "req_fake"


def test_the_name_of_a_failed_try_is_not_that_of_the_next(world: World) -> None:
    world.upstream.script(wire.event("error", error={"type": "overloaded_error", "message": "x"}))
    world.upstream.script(Head(headers={"request-id": ""}), *wire.text_answer("Hi"))
    sent, _ = world.answer()
    assert Generation.objects.get(pk=sent["generation"]).request_id == ""


def test_an_answer_that_cannot_be_ended_leaves_no_page_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr(Accumulator, "finish", broken)
    _, frames = world.answer()
    assert (frames[-1]["type"], frames[-1]["status"]) == ("message_stop", "interrupted")


def test_a_database_that_is_away_as_well_leaves_no_page_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of our own")

    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(Accumulator, "finish", broken)
    # Asked what is stored of the answer, once its end could not be.
    monkeypatch.setattr(replay, "generation_with_message", away)
    sent = world.alice.start()
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    assert page.next("message_stop")["status"] == "interrupted"

"""Every upstream call is one ledger row: answers, their retries, continuations, titles."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest

from conversations.actions import ledger
from conversations.actions.outcome import Outcome
from conversations.generation import titles
from conversations.generation.context import Turn
from conversations.models import Conversation, GenerationStatus, LanguageModel, UsageRecord
from conversations.upstream.endpoint import Endpoint
from conversations.upstream.request import MessageRequest
from conversations.upstream.request_body import body
from tests import patience
from tests.fake_upstream import Call, wire
from tests.fake_upstream.steps import Hang, Head, Reply, Reset, Sleep, Step
from tests.world import MODEL, World, wait_for

CHAT, TITLE, CONTINUE = "chat", "title", "continue"


@pytest.fixture
def world(quick: Any, world: World) -> World:
    return world


def rows(*purposes: str) -> list[UsageRecord]:
    return list(UsageRecord.objects.filter(purpose__in=purposes or (CHAT, CONTINUE)).order_by("pk"))


def title_row(attempt: int = 1) -> UsageRecord:
    """The title's row, which comes a moment after the answer."""
    ended = UsageRecord.objects.filter(purpose=TITLE, attempt=attempt).exclude(status="running")
    wait_for(ended.exists)
    return ended.earliest("pk")


def streamed(world: World) -> int:
    return sum(bool(call.body.get("stream")) for call in world.upstream.calls)


def test_an_answer_is_one_row_with_its_tokens_and_its_price(world: World) -> None:
    usage = {
        "input_tokens": 1000, "output_tokens": 1, "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "server_tool_use": {"web_search_requests": 2},
    }  # fmt: skip
    world.upstream.script(
        wire.message_start(usage=usage), wire.block_start(), wire.text_delta("Hi"), wire.block_stop(),
        wire.message_end(output_tokens=50),
    )  # fmt: skip
    sent, frames = world.answer()
    (row,) = rows()
    assert str(row.generation_id) == sent["generation"]
    assert str(row.conversation_id) == sent["conversation"]
    assert (row.user, row.provider.name if row.provider else "") == (world.alice.user, "Fake")
    assert (row.status, row.error_type, row.attempt) == ("completed", "", 1)
    assert (row.input_tokens, row.output_tokens, row.cache_read_input_tokens) == (1000, 50, 200)
    assert (row.cache_creation_5m_input_tokens, row.cache_creation_1h_input_tokens) == (100, 200)
    assert row.server_tool_use == {"web_search_requests": 2}
    # Opus 4.5: 5 in, 25 out, 0.5 read, 6.25 and 10 written per million; searches 10 per thousand (13.3).
    assert row.cost_microdollars == 1000 * 5 + 50 * 25 + 100 + 625 + 2000 + 20_000
    assert frames[-1]["cost"] == row.cost_microdollars
    assert row.first_token_ms is not None
    assert row.duration_ms is not None
    assert row.first_token_ms <= row.duration_ms


def test_what_a_gateway_says_that_an_answer_cost_holds_without_its_tokens(world: World) -> None:
    body = {"content": [{"type": "text", "text": "Hi"}], "meta": {"usage": {"usd_spent": 0.000788}}}
    world.upstream.script(Reply(200, wire.data(body)))
    _, frames = world.answer()
    (row,) = rows()
    assert (row.status, row.output_tokens, row.cost_microdollars) == ("completed", None, 788)
    assert frames[-1]["cost"] == 788


@pytest.mark.parametrize(
    ("base_url", "cost"),
    [
        ("https://api.anthropic.com/v1", 30),
        ("https://api.aimlapi.com/v1", None),
        ("https://api.aimlapi.com/v1/chat/completions", None),
    ],
)
def test_behind_chat_completions_the_list_prices_hold_but_not_a_gateways(
    model: LanguageModel, base_url: str, cost: int | None
) -> None:
    model.provider.dialect, model.provider.base_url = "openai_chat", base_url
    usage = {"input_tokens": 1, "output_tokens": 1}
    assert ledger.price(model, MODEL, usage, None, "") == cost
    assert ledger.price(model, MODEL, usage, {"usage": {"usd_spent": 1}}, "") == 1_000_000


def test_every_try_is_a_row_of_its_own(world: World) -> None:
    world.answer("fault:13*2")
    found = rows()
    assert streamed(world) == 3
    assert [(row.attempt, row.status, row.error_type) for row in found] == [
        (1, "failed", "busy"), (2, "failed", "busy"), (3, "completed", ""),
    ]  # fmt: skip
    assert [row.cost_microdollars for row in found[:2]] == [None, None], "unknown is not nothing"
    assert found[2].cost_microdollars is not None


def test_an_answer_that_never_came_has_a_row_for_every_try(world: World) -> None:
    world.answer("fault:12")
    assert [(row.attempt, row.status, row.error_type) for row in rows()] == [
        (1, "failed", "service"), (2, "failed", "service"), (3, "failed", "service"),
    ]  # fmt: skip


def test_a_try_that_failed_is_booked_before_the_next_one_and_once(world: World) -> None:
    sent = world.alice.start("fault:9:5")
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    wait_for(rows)
    failed = [(1, "failed", "limit")]
    assert [(row.attempt, row.status, row.error_type) for row in rows()] == failed
    page.send({"type": "stop", "generation": sent["generation"]})
    page.resume(sent["generation"], 0)
    assert page.next("message_stop")["status"] == "stopped"
    assert streamed(world) == 1
    assert [(row.attempt, row.status, row.error_type) for row in rows()] == failed, (
        "no call was open when it was stopped"
    )


def test_a_clock_that_is_put_back_hides_no_call(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try is under way; by the machine's clock its pause has not come yet."""
    busy: Step = Reply(529, wire.error_body("overloaded_error", "Busy"))
    world.upstream.script(busy)
    world.upstream.script(Head(), Hang())
    sent = world.alice.start()
    wait_for(lambda: streamed(world) == 2)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 60)
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    assert world.ended(sent).status == "stopped"
    assert [(row.attempt, row.status, row.error_type) for row in rows()] == [
        (1, "failed", "busy"), (2, "stopped", ""),
    ]  # fmt: skip


def test_what_a_stopped_answer_cost_is_unknown(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Hi"), Hang())
    sent = world.alice.start()
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    page.next("content_block_delta")
    page.send({"type": "stop", "generation": sent["generation"]})
    stop = page.next("message_stop")
    (row,) = rows()
    assert (row.status, row.cost_microdollars, stop["cost"]) == ("stopped", None, None)
    assert row.input_tokens == 25


def test_no_call_no_row(world: World) -> None:
    first, _ = world.answer()
    title_row()
    before = UsageRecord.objects.count()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_provider SET api_key = 'gAAAAABnonsense'")
    sent = world.alice.send(first["conversation"])
    world.ended(sent)
    assert UsageRecord.objects.count() == before


def test_a_continuation_is_booked_as_one(world: World) -> None:
    sent, _ = world.answer("fault:32:max_tokens")
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/"
    world.upstream.script(*wire.text_answer(" and the rest."))
    more = world.alice.post(path).json()
    world.ended(more)
    assert [row.purpose for row in rows()] == [CHAT, CONTINUE]


# Titles.


def test_a_title_is_asked_for_once_after_the_first_answer(world: World) -> None:
    sent, _ = world.answer("How do I plant a tree?")
    row = title_row()
    assert (row.status, row.input_tokens, row.output_tokens) == ("completed", 25, 5)
    assert row.cost_microdollars == 25 * 5 + 5 * 25
    assert Conversation.objects.get().title == "A short title"
    call = next(call for call in world.upstream.calls if not call.body.get("stream"))
    assert call.body["max_tokens"] <= 64
    assert call.body["model"] == MODEL
    assert "How do I plant a tree?" in repr(call.body["messages"])
    assert "Hello from the fake upstream." in repr(call.body["messages"])
    more = world.alice.send(sent["conversation"])
    world.ended(more)
    assert len(world.upstream.calls) == 3, "question, title, question"


def test_a_conversation_whose_first_answer_broke_off_gets_its_title_after_the_next(world: World) -> None:
    sent, frames = world.answer("fault:21")
    assert frames[-1]["status"] == GenerationStatus.INTERRUPTED
    more = world.alice.send(sent["conversation"], "How do I plant a tree?")
    world.ended(more)
    assert title_row().status == "completed"
    assert Conversation.objects.get().title == "A short title"


def test_a_conversation_whose_first_answer_said_nothing_gets_its_title_after_the_next(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.message_end())
    sent, _ = world.answer("How do I plant a tree?")
    assert world.alice.messages(sent["conversation"])[-1]["status"] == GenerationStatus.COMPLETED
    world.ended(world.alice.send(sent["conversation"], "Say something"))
    assert title_row().status == "completed"
    assert Conversation.objects.get().title == "A short title"


def test_a_copy_keeps_its_title(world: World) -> None:
    sent, _ = world.answer()
    title_row()
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/fork/"
    copy = world.alice.post(path).json()["conversation"]
    world.ended(world.alice.send(copy))
    assert len(world.upstream.calls) == 3, "question, title, question"


@pytest.mark.parametrize(
    ("model_id", "dialect", "effort"),
    [
        ("claude-opus-5-5", "anthropic", "low"),
        ("gpt-x", "anthropic", None),
        ("gpt-x", "openai_chat", None),
        ("claude-opus-5-5", "openai_chat", None),
    ],
)
def test_a_title_asks_for_little_effort_only_where_the_model_knows_the_word(
    model_id: str, dialect: str, effort: str | None
) -> None:
    endpoint = Endpoint(dialect=dialect, base_url="http://127.0.0.1")
    turns = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    request = MessageRequest(model=model_id, messages=turns, max_tokens=100)
    turn = Turn(uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), endpoint, request)
    made = body(
        titles.request_for(turn, Outcome(uuid.uuid4(), GenerationStatus.COMPLETED, 1)), endpoint, stream=False
    )
    assert made.get("output_config", {}).get("effort") == effort
    assert "reasoning_effort" not in made


def test_a_title_is_not_asked_for_where_a_person_has_given_one(world: World) -> None:
    world.upstream.script(wire.message_start(), wire.block_start(), Sleep(0.3), *wire.text_answer("Hi")[3:])
    sent = world.alice.start()
    world.alice.post(f"/conversations/{sent['conversation']}/rename/", {"title": "Mine"})
    ended = world.ended(sent)
    assert (ended.status, ended.error) == ("completed", None)
    more = world.alice.send(sent["conversation"])
    world.ended(more)
    assert len(world.upstream.calls) == len(world.asked()) == 2
    assert Conversation.objects.get().title == "Mine"


def test_a_title_that_a_person_gives_meanwhile_is_never_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    steps_for = world.upstream.steps_for

    def steps(call: Call) -> list[Step]:
        if call.body.get("stream"):
            return steps_for(call)
        asked.set()
        return [Sleep(0.3), *steps_for(call)]

    monkeypatch.setattr(world.upstream, "steps_for", steps)
    sent, _ = world.answer()
    assert asked.wait(patience.SECONDS)
    world.alice.post(f"/conversations/{sent['conversation']}/rename/", {"title": "Mine"})
    assert title_row().status == "completed"
    assert Conversation.objects.get().title == "Mine"


@pytest.mark.parametrize("text", ["fault:12", "fault:31", "fault:21"])
def test_no_title_for_an_answer_that_did_not_complete_or_said_nothing(world: World, text: str) -> None:
    sent, _ = world.answer(text)
    assert all(call.body.get("stream") for call in world.upstream.calls)
    assert Conversation.objects.get(pk=sent["conversation"]).title == text


def test_a_failed_title_is_silent_and_booked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    steps_for = world.upstream.steps_for
    monkeypatch.setattr(
        world.upstream, "steps_for",
        lambda call: steps_for(call) if call.body.get("stream") else [Reply(400, wire.error_body("x", "no"))],
    )  # fmt: skip
    _, frames = world.answer("Plain question")
    assert frames[-1]["status"] == GenerationStatus.COMPLETED
    row = title_row()
    assert (row.status, row.error_type, row.cost_microdollars) == ("failed", "invalid", None)
    assert Conversation.objects.get().title == "Plain question"


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ('"Planting a Tree."', "Planting a Tree"), ("  Two\nlines  ", "Two lines"), ("x" * 500, "x" * 200),
        ("", "Question"), ("“Bäume”", "Bäume"),
    ],
)  # fmt: skip
def test_whatever_the_model_says_becomes_a_title(
    world: World, monkeypatch: pytest.MonkeyPatch, reply: str, title: str
) -> None:
    steps_for = world.upstream.steps_for
    monkeypatch.setattr(
        world.upstream, "steps_for",
        lambda call: steps_for(call) if call.body.get("stream") else [Reply(200, wire.message_body(reply))],
    )  # fmt: skip
    world.answer("Question")
    title_row()
    assert Conversation.objects.get().title == title


def test_every_try_of_a_title_is_a_row_in_the_order_of_the_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps_for = world.upstream.steps_for
    failures: list[Step] = [Reset(), Reply(529, wire.error_body("overloaded_error", "Busy"))]

    def steps(call: Call) -> list[Step]:
        return [failures.pop(0)] if failures and not call.body.get("stream") else steps_for(call)

    monkeypatch.setattr(world.upstream, "steps_for", steps)
    world.answer("Question")
    title_row(attempt=3)
    found = list(UsageRecord.objects.filter(purpose=TITLE).order_by("created_at", "pk"))
    assert [(row.attempt, row.status, row.error_type) for row in found] == [
        (1, "failed", "connection_lost"), (2, "failed", "busy"), (3, "completed", ""),
    ]  # fmt: skip
    assert len(world.upstream.calls) == 1 + len(found)
    assert [row.cost_microdollars for row in found] == [None, None, 25 * 5 + 5 * 25]
    assert Conversation.objects.get().title == "A short title"


@pytest.mark.parametrize(
    ("usage", "columns"),
    [
        ({}, (None, None)),
        ({"cache_creation_input_tokens": 300}, (300, None)),
        (
            {"cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_1h_input_tokens": 200}},
            (100, 200),
        ),
        (
            {"cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_1h_input_tokens": 400}},
            (0, 300),
        ),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 200}}, (None, 200)),
    ],
)
def test_what_was_written_for_an_hour_is_not_counted_again_for_five_minutes(
    usage: dict[str, Any], columns: tuple[int | None, int | None]
) -> None:
    found = ledger.token_columns(usage)
    assert (found["cache_creation_5m_input_tokens"], found["cache_creation_1h_input_tokens"]) == columns

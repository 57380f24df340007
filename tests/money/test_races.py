"""Money under load: parallel sends at the edge of a limit, and a ledger that agrees with the upstream to the token."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

import pytest
from django.db.models import Sum

from conversations.actions import answers, budgets, messages, titles, usage_totals
from conversations.actions.outcome import Outcome
from conversations.models import (
    Conversation,
    FirstTokenDay,
    Generation,
    GenerationStatus,
    Message,
    UsageRecord,
)
from tests.beside import beside
from tests.fake_upstream import wire
from tests.money.given import SUMS, budget
from tests.views.test_idempotency import at_once
from tests.world import Person, World, finished, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
SENDS = 100
# Output tokens of the fake upstream's own answer.
GREETING = 5


def send_at_once(alice: Person, count: int = SENDS) -> Counter[int]:
    from django.test import Client

    cookies = {name: morsel.value for name, morsel in alice.client.cookies.items()}

    def send(number: int) -> int:
        client = Client()
        client.cookies.load(cookies)
        response = client.post(
            "/conversations/",
            {"text": "Hello", "client_id": str(uuid.uuid4())},
            HTTP_ACCEPT="application/json",
        )
        return response.status_code

    return Counter(at_once(count, send))


@pytest.mark.parametrize("of", ["workspace", "person"])
def test_a_hundred_sends_at_the_edge_pass_the_limit_by_one_reservation_at_most(
    of: str, alice: Person
) -> None:
    """Seven worst cases fit, the eighth may pass the limit, all others are refused."""
    probe = budget(100)
    alice.start("Hello")
    worst = Generation.objects.get().reserved_microdollars
    assert worst is not None
    finished(Generation.objects.get().pk, usage={"input_tokens": 0, "output_tokens": 0})
    probe.delete()
    limit = budget((worst * 7 + 1) / 1_000_000, **({"user": alice.user} if of == "person" else {}))
    assert send_at_once(alice) == {201: 8, 402: SENDS - 8}
    state = budgets.states([limit])[0]
    assert state.reserved == 8 * worst
    assert state.reserved - limit.limit_microdollars <= worst


def test_sums_of_the_day_are_those_of_the_ledger_also_when_answers_end_at_once(alice: Person) -> None:
    generations = [alice.start()["generation"] for _ in range(20)]

    def finish(number: int) -> None:
        pair = [generations[number], generations[number + 10]][:: 1 if number % 2 else -1]
        usage = {"input_tokens": 100 + number, "output_tokens": number, "cache_read_input_tokens": 7}
        outcomes = [
            Outcome(
                uuid.UUID(id), GenerationStatus.COMPLETED, last_seq=3, usage=dict(usage), usage_is_final=True,
                failed_attempts=["busy"] * (number % 3), model="claude-opus-4-5",
            )
            for id in pair
        ]  # fmt: skip
        assert len(answers.finish(outcomes, None)) == 2

    assert at_once(10, finish) == [None] * 10
    assert_sums_agree()
    assert UsageRecord.objects.filter(status="completed").count() == 20


def assert_sums_agree() -> None:
    """The sums of every table hold what the ledger's rows hold."""
    ended = UsageRecord.objects.exclude(status="running")
    for table in SUMS:
        for name in usage_totals.SUMMED:
            ours = table._default_manager.aggregate(sum=Sum(name))["sum"] or 0
            assert ours == (ended.aggregate(sum=Sum(name))["sum"] or 0), (table, name)
        assert (table._default_manager.aggregate(sum=Sum("calls"))["sum"] or 0) == ended.count()
        unknown = table._default_manager.aggregate(sum=Sum("unknown_costs"))["sum"] or 0
        assert unknown == ended.filter(cost_microdollars=None).count()
    waits = FirstTokenDay.objects.aggregate(sum=Sum("calls"))["sum"] or 0
    assert waits == ended.exclude(first_token_ms=None).count()


def test_the_ledger_says_what_the_upstream_said_for_every_kind_of_end(quick: Any, world: World) -> None:
    """Completed, tried again, stopped, broken off, failed, and the titles: call for call and token for token."""
    limit = budget(100)
    said = Counter[str]()
    for number in range(4):
        usage = {"input_tokens": 50 + number, "output_tokens": 1, "cache_read_input_tokens": 10 * number}
        world.upstream.script(
            wire.message_start(usage=usage), wire.block_start(), wire.text_delta("Hi"), wire.block_stop(),
            wire.message_end(output_tokens=11 + number),
        )  # fmt: skip
        world.answer(f"Question {number}")
        said.update(input=50 + number, output=11 + number, read=10 * number)
    world.answer("fault:13*2")
    said.update(input=25, output=GREETING)
    world.answer("fault:12")
    sent, page = world.halfway()
    page.send({"type": "stop", "generation": sent["generation"]})
    page.next("message_stop")
    page.close()
    said.update(input=25, output=1)
    wait_for_titles(5)
    said.update(input=25 * 5, output=5 * 5)
    sums = UsageRecord.objects.aggregate(
        input=Sum("input_tokens"), output=Sum("output_tokens"), read=Sum("cache_read_input_tokens")
    )
    assert sums == dict(said)
    assert UsageRecord.objects.count() == len(world.upstream.calls)
    assert_sums_agree()
    stopped = UsageRecord.objects.get(status="stopped")
    state = budgets.states([limit])[0]
    assert stopped.presumed_microdollars
    assert (state.presumed, state.reserved) == (stopped.presumed_microdollars, 0)
    assert state.cost == UsageRecord.objects.aggregate(sum=Sum("cost_microdollars"))["sum"]


def wait_for_titles(count: int) -> None:
    booked = UsageRecord.objects.filter(purpose="title").exclude(status="running")
    wait_for(lambda: booked.count() == count)


def test_a_message_that_is_sent_while_the_title_is_about_to_be_asked_for_does_not_wait_for_it_for_ever(
    alice: Person,
) -> None:
    budget(1)
    sent = alice.start()
    finished(sent["generation"])
    conversation = Conversation.objects.get(pk=sent["conversation"])
    with beside(lambda: messages.send(alice.user, conversation, "More", uuid.uuid4(), owner="me")) as more:
        assert titles.open_call(conversation.pk, uuid.UUID(sent["generation"]), 100, 64)
    assert more[0].created


def test_a_title_that_a_limit_forbids_is_not_asked_for(alice: Person) -> None:
    sent = alice.start()
    finished(sent["generation"])
    budget(0)
    generation = Generation.objects.get()
    with pytest.raises(budgets.BudgetExceeded):
        titles.open_call(generation.conversation_id, generation.pk, 100, 64)
    assert not UsageRecord.objects.filter(purpose="title").exists()


def test_a_title_is_held_back_while_it_is_asked_for_and_counted_when_its_process_dies(
    alice: Person, settings: Any
) -> None:
    limit = budget(1)
    finished(alice.start()["generation"], usage={"input_tokens": 0, "output_tokens": 0})
    generation = Generation.objects.get()
    row = titles.open_call(generation.conversation_id, generation.pk, 1000, 64)
    assert titles.open_call(generation.conversation_id, generation.pk, 1000, 64) is None, "asked for once"
    held = budgets.states([limit])[0].reserved
    assert held >= 1000 * 5 + 64 * 25
    titles.end_lost_calls()
    assert UsageRecord.objects.get(pk=row).status == "running", "it may still be under way"
    settings.UPSTREAM_TOTAL_TIMEOUT = 0
    titles.end_lost_calls()
    assert UsageRecord.objects.get(pk=row).status == "interrupted"
    state = budgets.states([limit])[0]
    assert (state.reserved, state.presumed) == (0, held)
    assert row is not None
    titles.store(row, "Late", {"input_tokens": 1, "output_tokens": 1}, None, "claude-opus-4-5")
    assert_sums_agree()
    assert UsageRecord.objects.get(pk=row).presumed_microdollars == held


def test_a_title_that_comes_while_it_is_given_up_is_booked_once(alice: Person, settings: Any) -> None:
    finished(alice.start()["generation"])
    generation = Generation.objects.get()
    row = titles.open_call(generation.conversation_id, generation.pk, 1000, 64)
    assert row is not None
    settings.UPSTREAM_TOTAL_TIMEOUT = 0
    with beside(lambda: titles.store(row, "Late", {"input_tokens": 1, "output_tokens": 1}, None, "")):
        titles.end_lost_calls()
    assert UsageRecord.objects.get(pk=row).status == "interrupted"
    assert_sums_agree()


def test_many_lost_titles_are_ended_with_as_few_questions_as_one(
    alice: Person, settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.UPSTREAM_TOTAL_TIMEOUT = 0
    for calls in (1, 4):
        for _ in range(calls):
            sent = alice.start()
            titles.open_call(uuid.UUID(sent["conversation"]), uuid.UUID(sent["generation"]), 1000, 64)
        with django_assert_max_num_queries(10):
            titles.end_lost_calls()
    assert not UsageRecord.objects.filter(purpose="title").exclude(status="interrupted").exists()
    assert_sums_agree()


def test_tries_of_a_title_that_failed_are_booked_when_its_process_dies(alice: Person, settings: Any) -> None:
    limit = budget(1)
    finished(alice.start()["generation"], usage={"input_tokens": 0, "output_tokens": 0})
    generation = Generation.objects.get()
    row = titles.open_call(generation.conversation_id, generation.pk, 1000, 64)
    assert row is not None
    held = budgets.states([limit])[0].reserved
    second = titles.try_again(row, "busy")
    third = titles.try_again(second, "timeout")
    state = budgets.states([limit])[0]
    assert (state.presumed, state.reserved) == (held, held), "what timed out may have been worked on"
    settings.UPSTREAM_TOTAL_TIMEOUT = 0
    titles.end_lost_calls()
    tries = UsageRecord.objects.filter(purpose="title").order_by("pk").values_list("pk", "attempt", "status")
    assert list(tries) == [(row, 1, "failed"), (second, 2, "failed"), (third, 3, "interrupted")]
    assert_sums_agree()


def test_a_title_of_a_conversation_that_is_gone_is_booked(alice: Person) -> None:
    finished(alice.start()["generation"])
    generation = Generation.objects.get()
    row = titles.open_call(generation.conversation_id, generation.pk, 1000, 64)
    assert row is not None
    Conversation.objects.all().delete()
    titles.store(row, "Late", {"input_tokens": 10, "output_tokens": 1}, None, "claude-opus-4-5")
    assert UsageRecord.objects.get(pk=row).cost_microdollars == 10 * 5 + 25
    assert_sums_agree()


def test_an_answer_of_a_dead_process_keeps_its_worst_case(alice: Person) -> None:
    from conversations.generation import reaper

    limit = budget(1)
    sent = alice.start()
    worst = Generation.objects.get().reserved_microdollars
    Generation.objects.update(owner="elsewhere", lease_until=None)
    assert reaper.reap() == 1
    assert Message.objects.get(pk=sent["reply"]).status == "interrupted"
    row = UsageRecord.objects.get()
    assert (row.cost_microdollars, row.presumed_microdollars) == (None, worst)
    state = budgets.states([limit])[0]
    assert (state.presumed, state.reserved) == (worst, 0)

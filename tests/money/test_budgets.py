"""Spending limits: whose calls count, what is held back, when a send is refused and in which words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from conversations.actions import budgets
from conversations.actions.budgets import BudgetExceeded
from conversations.models import Budget, Generation, LanguageModel, Message, UsageRecord
from tests.money.given import all_happened_on, budget
from tests.world import Person, finished, long_conversation

pytestmark = pytest.mark.any_database

# Opus 4.5: at most 16,384 tokens of output for 25 dollars a million, and a little input.
OUTPUT = 16_384 * 25


def reserved() -> list[int | None]:
    return list(Generation.objects.order_by("created_at").values_list("reserved_microdollars", flat=True))


def refused(person: Person, **fields: Any) -> dict[str, str]:
    response = person.post("/conversations/", {"text": "Hello", **fields})
    assert response.status_code == 402, response.content
    error: dict[str, str] = response.json()["error"]  # type: ignore[attr-defined]
    assert error["type"] == "budget_exceeded"
    return error


def state(row: Budget) -> budgets.State:
    return budgets.states([row])[0]


def test_without_limits_nothing_is_held_back(alice: Person) -> None:
    alice.start()
    assert reserved() == [None]


def test_the_worst_case_is_held_back_and_the_cost_counts_in_its_place(alice: Person) -> None:
    limit = budget(10)
    sent = alice.start("Hello")
    (worst,) = reserved()
    assert worst is not None
    assert OUTPUT < worst < OUTPUT + 6_000
    assert (state(limit).reserved, state(limit).used) == (worst, 0)
    finished(sent["generation"], usage={"input_tokens": 1000, "output_tokens": 100})
    assert (state(limit).reserved, state(limit).used) == (0, 1000 * 5 + 100 * 25)


def test_a_long_conversation_holds_back_more_for_its_input(alice: Person) -> None:
    budget(10)
    sent = alice.start("Hello")
    finished(sent["generation"], usage={"input_tokens": 100_000, "output_tokens": 100})
    alice.send(sent["conversation"])
    first, second = reserved()
    assert first is not None
    assert second is not None
    assert second - first > 100_000 * 5


def test_max_tokens_is_what_a_person_chose(alice: Person) -> None:
    budget(10)
    alice.start("Hello", max_tokens="100")
    assert 2_500 < (reserved()[0] or 0) < 10_000


def test_a_reached_limit_refuses_plainly_and_stores_nothing(alice: Person) -> None:
    budget(0.005, period=Budget.Period.MONTH)
    sent = alice.start()
    finished(sent["generation"], usage={"input_tokens": 1000, "output_tokens": 0})
    before = Message.objects.count()
    error = refused(alice)
    assert error["message"].startswith(
        "The workspace's spending limit for this month is reached. It resets on"
    )
    assert Message.objects.count() == before
    path = f"/conversations/{sent['conversation']}/messages/{sent['reply']}/regenerate/"
    assert alice.post(path).status_code == 402


def test_one_call_may_pass_the_limit_and_the_next_is_refused(alice: Person) -> None:
    budget(0.01)
    alice.start()
    assert "held back for answers that are still running" in refused(alice)["message"]


def test_a_limit_of_nothing_lets_nothing_through(alice: Person) -> None:
    budget(0)
    refused(alice)


@pytest.mark.parametrize("of", ["user", "group", "language_model"])
def test_a_limit_binds_those_it_is_for(of: str, alice: Person, bob: Person, model: LanguageModel) -> None:
    other = LanguageModel.objects.create(provider=model.provider, model_id="claude-haiku-4-5", position=1)
    group = Group.objects.create(name="Research")
    alice.user.groups.add(group)
    budget(0, **{of: {"user": alice.user, "group": group, "language_model": model}[of]})
    error = refused(alice)
    whose = {"user": "Your spending limit", "group": "The spending limit of Research"}
    assert error["message"].startswith(whose.get(of, "The spending limit of claude-opus-4-5"))
    if of == "language_model":
        alice.start(model=other.model_id)
    else:
        bob.start()


def test_a_groups_limit_counts_its_members_together(
    alice: Person, bob: Person, administrator: Person
) -> None:
    group = Group.objects.create(name="Research")
    alice.user.groups.add(group)
    bob.user.groups.add(group)
    limit = budget(1, group=group)
    for person in (alice, bob, administrator):
        finished(person.start()["generation"], usage={"input_tokens": 1000, "output_tokens": 0})
    assert state(limit).used == 2 * 5000


def test_yesterday_counts_for_the_month_and_not_for_today(alice: Person) -> None:
    day, month = budget(1), budget(1, Budget.Period.MONTH)
    finished(alice.start()["generation"], usage={"input_tokens": 1000, "output_tokens": 0})
    all_happened_on(date(2026, 11, 20))
    today = date(2026, 11, 21)
    assert [found.used for found in budgets.states([day, month], today)] == [0, 5000]
    assert budgets.states([month], date(2026, 12, 1))[0].used == 0
    assert budgets.states([month], date(2026, 12, 31))[0].resets_on == date(2027, 1, 1)
    assert budgets.states([day], today)[0].resets_on == date(2026, 11, 22)


def test_a_limit_made_today_knows_what_was_spent_before_it(alice: Person) -> None:
    finished(alice.start()["generation"], usage={"input_tokens": 1000, "output_tokens": 0})
    budget(0.005)
    refused(alice)


def test_a_call_whose_cost_nobody_told_counts_with_its_worst_case_and_says_so(alice: Person) -> None:
    limit = budget(1)
    sent = alice.start()
    (worst,) = reserved()
    finished(sent["generation"], status="interrupted", usage={"input_tokens": 9}, usage_is_final=False)
    row = UsageRecord.objects.get()
    assert (row.cost_microdollars, row.presumed_microdollars) == (None, worst)
    assert (state(limit).cost, state(limit).presumed) == (0, worst)


@pytest.mark.parametrize(
    ("error", "has_begun", "counts"),
    [("busy", False, False), ("auth", False, False), ("timeout", False, True), ("busy", True, True)],
)
def test_a_refused_call_counts_for_nothing_and_a_lost_one_for_its_worst_case(
    alice: Person, error: str, has_begun: bool, counts: bool
) -> None:
    limit = budget(1)
    sent = alice.start()
    (worst,) = reserved()
    finished(
        sent["generation"], "", status="failed", usage=None, usage_is_final=False, error={"type": error, "message": ""},
        failed_attempts=["service"], first_token_at=timezone.now() if has_begun else None,
    )  # fmt: skip
    assert state(limit).used == (worst if counts else 0)
    assert UsageRecord.objects.count() == 2


def test_prices_that_an_administrator_entered_come_first(alice: Person, model: LanguageModel) -> None:
    limit = budget(10)
    tomorrow = (timezone.now() + timedelta(days=2)).date().isoformat()
    model.prices = [{"input": 50, "output": 250}, {"input": 7, "output": 9, "from": tomorrow}]
    model.save()
    sent = alice.start()
    assert (reserved()[0] or 0) > OUTPUT * 10
    message = finished(sent["generation"], usage={"input_tokens": 1000, "output_tokens": 100})
    assert message.cost_microdollars == state(limit).used == 1000 * 50 + 100 * 250


def test_a_gateway_without_prices_is_held_to_twice_the_list_and_an_unknown_model_is_refused(
    alice: Person, model: LanguageModel
) -> None:
    budget(10)
    type(model.provider).objects.update(dialect="aimlapi")
    alice.start()
    assert OUTPUT * 2 < (reserved()[0] or 0) < OUTPUT * 2 + 12_000
    LanguageModel.objects.update(model_id="somebody-elses-model")
    assert "price of this model is not known" in refused(alice)["message"]


def test_from_80_percent_on_there_is_a_warning(alice: Person, model: LanguageModel) -> None:
    budget(0.0063)
    finished(alice.start()["generation"], usage={"input_tokens": 1000, "output_tokens": 0})
    assert budgets.warnings_for(alice.user, model) == []
    Budget.objects.update(limit_microdollars=6250)
    assert budgets.warnings_for(alice.user, model) == [
        "The workspace's spending limit for today is 80 % used."
    ]
    Budget.objects.update(limit_microdollars=5000)
    assert budgets.warnings_for(alice.user, model) == ["The workspace's spending limit for today is reached."]


def test_a_repeated_send_is_answered_also_when_the_limit_is_reached(alice: Person) -> None:
    budget(0.001)
    data = {"text": "Hello", "client_id": "5b2e0d0e-2f0c-4c0a-9f1a-0c5d8d7f1a11"}
    first = alice.post("/conversations/", data)
    assert (first.status_code, alice.post("/conversations/", data).status_code) == (201, 200)


def test_a_refusal_is_a_refused_action() -> None:
    assert (BudgetExceeded.status, BudgetExceeded.type) == (402, "budget_exceeded")


def test_a_long_conversation_without_counted_answers_is_measured_in_a_few_queries(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    """Some servers tell no usage: then all that was said is measured."""
    budget(1000)
    short, long = (long_conversation(alice.user, turns) for turns in (10, 1000))
    alice.send(str(short.pk))
    with django_assert_max_num_queries(50):
        alice.send(str(long.pk))
    less, more = reserved()[-2:]
    assert less is not None and more is not None
    assert more - less > 990 * 2 * 10 * 5

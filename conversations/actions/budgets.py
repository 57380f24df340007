"""Spending limits that hold: the worst case of a call is held back before it, its cost counts after it.

What is held back stands on the running generation (or title row), what was spent in the ledger's sums, so
nothing has to be given back when a process dies. A limit is passed by at most one call's worst case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from ..models import (
    Budget,
    Generation,
    GenerationStatus,
    LanguageModel,
    Message,
    UsageDay,
    UsageDayTotal,
    UsageRecord,
    User,
)
from . import worst_case
from .errors import Refused

WARNING_PERCENT = 80


class BudgetExceeded(Refused):
    """A spending limit is reached."""

    type = "budget_exceeded"
    status = 402


@dataclass(frozen=True, slots=True)
class State:
    """A limit and what counts for it, in micro-dollars. `presumed` are worst cases of ended calls whose cost nobody
    told; `reserved` are those of running calls.
    """

    budget: Budget
    starts_on: date
    cost: int
    presumed: int
    reserved: int

    @property
    def used(self) -> int:
        return self.cost + self.presumed

    @property
    def percent(self) -> int:
        """How much is used, running calls left out; 100 and more: reached."""
        limit = self.budget.limit_microdollars
        return 100 * self.used // limit if limit else 100

    @property
    def is_open(self) -> bool:
        """Whether one more call may begin."""
        return self.used + self.reserved < self.budget.limit_microdollars

    @property
    def resets_on(self) -> date:
        if self.budget.period == Budget.Period.DAY:
            return self.starts_on + timedelta(days=1)
        return (self.starts_on + timedelta(days=31)).replace(day=1)


def reserve(
    user: User, language_model: LanguageModel, turn: Message, parameters: dict[str, Any]
) -> int | None:
    """Micro-dollars to hold back for an answer to `turn`; None where no limit applies. Call inside the write
    transaction that stores them. Raises BudgetExceeded with the sentence to show.
    """
    budgets = _locked(user, language_model)
    if not budgets:
        return None
    return _reserved(budgets, worst_case.of_answer(language_model, turn, parameters), user)


def reserve_text(user: User, language_model: LanguageModel, characters: int, max_tokens: int) -> int | None:
    """As `reserve`, for a short call of our own."""
    budgets = _locked(user, language_model)
    if not budgets:
        return None
    return _reserved(budgets, worst_case.of_text(language_model, characters, max_tokens), user)


def states(budgets: QuerySet[Budget] | list[Budget], today: date | None = None) -> list[State]:
    """Each limit with what counts for it today."""
    today = today or datetime.now(UTC).date()
    return [_state(budget, today) for budget in budgets]


def warnings_for(user: User, language_model: LanguageModel | None) -> list[str]:
    """Sentences about limits of this person's calls that are used to 80 % or more."""
    found = Budget.objects.applying_to(user, language_model).select_related("group", "user", "language_model")
    return [
        f"{_whose(state.budget, user)} {_period(state.budget)} is "
        + ("reached." if state.percent >= 100 else f"{state.percent} % used.")
        for state in states(list(found))
        if state.percent >= WARNING_PERCENT
    ]


def _locked(user: User, language_model: LanguageModel) -> list[Budget]:
    """The limits that apply, in one order; where transactions run side by side, each waits here for the one before."""
    # Every send asks, and most sites have no limits: a seventh of its time goes into composing the question below.
    if not Budget.objects.exists():
        return []
    found = list(Budget.objects.applying_to(user, language_model).values_list("pk", flat=True))
    if not found:
        return []
    budgets = Budget.objects.filter(pk__in=found).order_by("pk")
    if connection.features.has_select_for_update:
        list(budgets.select_for_update(no_key=True))
    return list(budgets.select_related("group", "user", "language_model"))


def _reserved(budgets: list[Budget], worst: int | None, user: User) -> int:
    if worst is None:
        raise BudgetExceeded(
            "The price of this model is not known, so its spending limit cannot be kept. Choose another model, or ask "
            "an administrator to enter its prices."
        )
    for state in states(budgets):
        if not state.is_open:
            raise BudgetExceeded(_refusal(state, user))
    return worst


def _state(budget: Budget, today: date) -> State:
    starts_on = budget.starts_on(today)
    # What runs is read before what has ended: a call that ends in between counts twice for a moment, never not at all.
    held = Generation.objects.live().filter(_of(budget, "requested_by"))
    asked = UsageRecord.objects.filter(_of(budget, "user"), status=GenerationStatus.RUNNING)
    reserved = (held.aggregate(sum=Sum("reserved_microdollars"))["sum"] or 0) + (
        asked.aggregate(sum=Sum("presumed_microdollars"))["sum"] or 0
    )
    is_of_people = budget.group_id is not None or budget.user_id is not None
    sums = (UsageDay if is_of_people else UsageDayTotal)._default_manager.filter(_of(budget, "user"))
    spent = sums.filter(day__gte=starts_on, day__lte=today).aggregate(
        cost=Sum("cost_microdollars"), presumed=Sum("presumed_microdollars")
    )
    return State(budget, starts_on, spent["cost"] or 0, spent["presumed"] or 0, reserved)


def _of(budget: Budget, person: str) -> Q:
    """The calls that count for a limit; `person` is the column of who asked."""
    if budget.group_id is not None:
        members = User.groups.through.objects.filter(group=budget.group_id).values("user_id")
        return Q(**{f"{person}__in": members})
    if budget.user_id is not None:
        return Q(**{person: budget.user_id})
    if budget.language_model_id is not None:
        return Q(language_model=budget.language_model_id)
    return Q()


def _refusal(state: State, user: User) -> str:
    whose = f"{_whose(state.budget, user)} {_period(state.budget)}"
    if state.used >= state.budget.limit_microdollars:
        return f"{whose} is reached. It resets on {state.resets_on:%-d %B}; an administrator can raise it."
    return f"{whose} is nearly reached, and the rest is held back for answers that are still running. Try again soon."


def _whose(budget: Budget, user: User) -> str:
    if budget.user_id == user.pk:
        return "Your spending limit"
    if budget.group_id is not None:
        return f"The spending limit of {budget.group}"
    if budget.language_model_id is not None:
        return f"The spending limit of {budget.language_model}"
    return "The workspace's spending limit"


def _period(budget: Budget) -> str:
    return "for today" if budget.period == Budget.Period.DAY else "for this month"

"""Spending limits as administrators set them. Called by the views of budgets; `actions.budgets` keeps them."""

from __future__ import annotations

from django.contrib.auth.models import Group

from ..models import Budget, LanguageModel, User
from . import audit
from .transaction import hold, writing


def save(actor: User, budget: Budget) -> None:
    """A new or changed limit, which holds for the next send. Raises NotFound, also for whose limit it is."""
    with writing():
        _hold_subject(budget)
        act = "budget_changed" if budget.pk else "budget_added"
        if budget.pk:
            hold(budget)
        budget.save()
        audit.record(actor, act, budget, name=str(budget), limit_usd=budget.limit_microdollars / 1_000_000)


def remove(actor: User, budget: Budget) -> None:
    """Raises NotFound."""
    with writing():
        hold(budget)
        audit.record(actor, "budget_removed", budget, name=str(budget))
        budget.delete()


def _hold_subject(budget: Budget) -> None:
    if budget.user_id:
        hold(User(pk=budget.user_id))
    if budget.group_id:
        hold(Group(pk=budget.group_id))
    if budget.language_model_id:
        hold(LanguageModel(pk=budget.language_model_id))

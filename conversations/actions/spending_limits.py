"""Spending limits as administrators set them. Called by the views of budgets; `actions.budgets` keeps them."""

from __future__ import annotations

from ..models import Budget, User
from . import audit
from .transaction import hold, writing


def save(actor: User, budget: Budget) -> None:
    """A new or changed limit, which holds for the next send. Raises NotFound."""
    with writing():
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

"""Budgets, and sends at the edge of them. Used by the tests of money."""

from __future__ import annotations

from typing import Any

from conversations.models import Budget


def budget(dollars: float, period: str = Budget.Period.DAY, **of: Any) -> Budget:
    """A limit of the workspace, or of a `user`, `group` or `language_model`."""
    return Budget.objects.create(limit_microdollars=round(dollars * 1_000_000), period=period, **of)

"""Budgets, sends at the edge of them, and calls of other days. Used by the tests of money and usage."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from conversations.actions import usage_totals
from conversations.models import Budget, FirstTokenDay, UsageDay, UsageDayTotal, UsageMonth, UsageRecord

SUMS = (UsageDay, UsageDayTotal, UsageMonth)


def budget(dollars: float, period: str = Budget.Period.DAY, **of: Any) -> Budget:
    """A limit of the workspace, or of a `user`, `group` or `language_model`."""
    return Budget.objects.create(limit_microdollars=round(dollars * 1_000_000), period=period, **of)


def all_happened_on(day: date) -> None:
    """The calls so far count as made at noon of this day."""
    UsageRecord.objects.update(created_at=datetime.combine(day, time(12), UTC))
    for table in (*SUMS, FirstTokenDay):
        table._default_manager.all().delete()
    usage_totals.add(UsageRecord.objects.exclude(status="running"))

"""Spending limits: whose, each day or month, in dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from ..forms.budget import BudgetForm
from ..models import Budget
from .own_removal import StaysRemoved

if TYPE_CHECKING:
    _BudgetAdmin = admin.ModelAdmin[Budget]
else:
    _BudgetAdmin = admin.ModelAdmin


@admin.register(Budget)
class BudgetAdmin(StaysRemoved, _BudgetAdmin):
    form = BudgetForm
    fields = ("subject", "period", "limit")
    list_display = ("subject", "period", "limit")
    list_filter = ("period",)
    list_select_related = ("group", "user", "language_model")

    @admin.display(description="Limit", ordering="limit_microdollars")
    def limit(self, budget: Budget) -> str:
        return f"${budget.limit_microdollars / 1_000_000:,.2f}"

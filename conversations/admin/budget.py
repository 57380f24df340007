"""Spending limits: whose, each day or month, in dollars."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from ..models import Budget

if TYPE_CHECKING:
    _BudgetForm = forms.ModelForm[Budget]
    _BudgetAdmin = admin.ModelAdmin[Budget]
else:
    _BudgetForm = forms.ModelForm
    _BudgetAdmin = admin.ModelAdmin


class BudgetForm(_BudgetForm):
    limit = forms.DecimalField(
        label="Limit in US dollars", min_value=Decimal(0), max_value=Decimal(10_000_000), decimal_places=2
    )

    class Meta:
        model = Budget
        fields = ("group", "user", "language_model", "period")
        help_texts = {
            "group": "All its members together. Choose one of group, person and model, or none for the workspace."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["limit"] = Decimal(self.instance.limit_microdollars) / 1_000_000

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if sum(bool(values.get(name)) for name in ("group", "user", "language_model")) > 1:
            raise forms.ValidationError("Choose one of group, person and model.")
        if "limit" in values:
            self.instance.limit_microdollars = int(values["limit"] * 1_000_000)
        return values


@admin.register(Budget)
class BudgetAdmin(_BudgetAdmin):
    form = BudgetForm
    fields = ("group", "user", "language_model", "period", "limit")
    list_display = ("subject", "period", "limit")
    list_filter = ("period",)
    list_select_related = ("group", "user", "language_model")

    @admin.display(description="Limit", ordering="limit_microdollars")
    def limit(self, budget: Budget) -> str:
        return f"${budget.limit_microdollars / 1_000_000:,.2f}"

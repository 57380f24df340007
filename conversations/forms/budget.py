"""A spending limit: for whom, each day or month, in dollars. Used by `views.budgets` and the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group
from django.db.models import Q

from ..models import Budget, LanguageModel, User

if TYPE_CHECKING:
    _BudgetForm = forms.ModelForm[Budget]
else:
    _BudgetForm = forms.ModelForm

_COLUMNS = ("group", "user", "language_model")


class BudgetForm(_BudgetForm):
    subject = forms.ChoiceField(label="For", help_text="A group's limit is for all its members together.")
    limit = forms.DecimalField(
        label="Limit in US dollars", min_value=Decimal(0), max_value=Decimal(10_000_000), decimal_places=2
    )

    class Meta:
        model = Budget
        fields = ("period",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        budget = self.instance
        field = self.fields["subject"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _subjects(budget)
        if budget.pk:
            self.initial["subject"] = _subject(budget)
            self.initial["limit"] = Decimal(budget.limit_microdollars) / 1_000_000

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if {"subject", "period", "limit"} <= values.keys():
            column, _, id = values["subject"].partition(":")
            for name in _COLUMNS:
                setattr(self.instance, f"{name}_id", int(id) if name == column else None)
            self.instance.limit_microdollars = int(values["limit"] * 1_000_000)
            self._refuse_another(values["period"])
        return values

    def _refuse_another(self, period: str) -> None:
        of_same = {f"{name}_id": getattr(self.instance, f"{name}_id") for name in _COLUMNS}
        if Budget.objects.filter(period=period, **of_same).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is already such a limit. Change that one.")


def _subject(budget: Budget) -> str:
    chosen = next((name for name in _COLUMNS if getattr(budget, f"{name}_id") is not None), None)
    return f"{chosen}:{getattr(budget, f'{chosen}_id')}" if chosen else "workspace"


def _subjects(budget: Budget) -> list[Any]:
    """Everything that may have a limit: the workspace, groups, people, models."""
    people = User.objects.filter(Q(is_active=True) | Q(pk=budget.user_id or 0))
    models = LanguageModel.objects.select_related("provider").order_by("position", "pk")
    found: list[Any] = [("workspace", "The whole workspace")]
    for heading, name, rows in (
        ("Groups", "group", [(row.pk, row.name) for row in Group.objects.order_by("name")]),
        ("People", "user", [(row.pk, row.choice) for row in people.order_by("username")]),
        ("Models", "language_model", [(row.pk, row.name) for row in models]),
    ):
        if rows:
            found.append((heading, [(f"{name}:{id}", label) for id, label in rows]))
    return found

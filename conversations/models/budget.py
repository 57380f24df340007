"""A spending limit: for the workspace, a group, a person or a model, by day or month. Read by `actions.budgets`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import models

if TYPE_CHECKING:
    from .language_model import LanguageModel
    from .user import User


class BudgetQuerySet(models.QuerySet["Budget"]):
    def applying_to(self, user: User, language_model: LanguageModel | None) -> BudgetQuerySet:
        """The limits that a call of this person to this model counts for."""
        everybody = models.Q(group=None, user=None, language_model=None)
        theirs = models.Q(user=user) | models.Q(group__in=user.groups.values("pk"))
        of_model = models.Q(language_model=language_model) if language_model else models.Q(pk__in=())
        return self.filter(everybody | theirs | of_model)


class Budget(models.Model):
    """Nothing chosen among group, user and language_model: the whole workspace. A group's limit is that of all its
    present members together. Days and months are those of UTC.
    """

    class Period(models.TextChoices):
        DAY = "day", "Each day"
        MONTH = "month", "Each month"

    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("User", null=True, blank=True, on_delete=models.CASCADE, related_name="budgets")
    language_model = models.ForeignKey(
        "LanguageModel", null=True, blank=True, on_delete=models.CASCADE, related_name="budgets"
    )
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.MONTH)
    limit_microdollars = models.BigIntegerField()

    objects = BudgetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(group=None, user=None)
                    | models.Q(group=None, language_model=None)
                    | models.Q(user=None, language_model=None)
                ),
                name="budget_is_of_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(limit_microdollars__gte=0), name="budget_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}, {self.get_period_display().lower()}"

    @property
    def subject(self) -> str:
        """Whose limit it is, for administrators."""
        person = self.user.name if self.user is not None else None
        return str(self.group or person or self.language_model or "Workspace")

    def starts_on(self, today: date) -> date:
        """The first day of the period that `today` is in."""
        return today if self.period == self.Period.DAY else today.replace(day=1)

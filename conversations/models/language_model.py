"""A model that people may choose: which provider answers as it, what it can do, what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from .user import User


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def usable_by(self, user: User) -> list[LanguageModel]:
        """Models that answer now and that this person may use, in the order of the picker."""
        answering = self.filter(enabled=True, provider__enabled=True).select_related("provider")
        answering = answering.exclude(retired_at__lte=timezone.now())
        # Few models and fewer restrictions: every send asks, and sorting here costs less than composing the join.
        groups: dict[int, set[int]] = {}
        for model, group in LanguageModel.allowed_groups.through.objects.values_list(
            "languagemodel_id", "group_id"
        ):
            groups.setdefault(model, set()).add(group)
        theirs = set(user.groups.values_list("pk", flat=True)) if groups else set()
        usable = [model for model in answering if model.pk not in groups or groups[model.pk] & theirs]
        return sorted(usable, key=lambda model: (model.position, model.pk))


class LanguageModel(models.Model):
    provider = models.ForeignKey("Provider", on_delete=models.CASCADE, related_name="language_models")
    model_id = models.CharField(max_length=200)
    label = models.CharField(max_length=200, blank=True)
    capabilities = models.JSONField(default=dict, blank=True, help_text="Overrides of the built-in table.")
    prices = models.JSONField(
        default=dict,
        blank=True,
        help_text=(
            "US dollars per million tokens, before the built-in list: "
            '{"input": 5, "output": 25, "cache_read": 0.5, "from": "2026-11-01"}, or a list of these.'
        ),
    )
    enabled = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)
    allowed_groups = models.ManyToManyField(Group, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    replacement = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)

    objects = LanguageModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "model_id"], name="model_once_per_provider")
        ]

    def __str__(self) -> str:
        return self.label or self.model_id

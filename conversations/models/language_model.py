"""A model that people may choose: which provider answers as it, what it can do, what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import models

if TYPE_CHECKING:
    from .user import User


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def usable_by(self, user: User) -> LanguageModelQuerySet:
        """Models that answer now and that this person may use, in the order of the picker."""
        open_to_all = models.Q(allowed_groups=None)
        theirs = models.Q(allowed_groups__in=user.groups.all())
        return (
            self.filter(enabled=True, provider__enabled=True)
            .filter(open_to_all | theirs)
            .select_related("provider")
            .order_by("position", "id")
            .distinct()
        )


class LanguageModel(models.Model):
    provider = models.ForeignKey("Provider", on_delete=models.CASCADE, related_name="language_models")
    model_id = models.CharField(max_length=200)
    label = models.CharField(max_length=200, blank=True)
    capabilities = models.JSONField(default=dict, blank=True, help_text="Overrides of the built-in table.")
    prices = models.JSONField(default=dict, blank=True, help_text="Overrides of the built-in price list.")
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

"""A model that people may choose: which provider answers as it, what it can do, what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from ..upstream.capabilities import DEFAULT_MAX_TOKENS, as_fields, as_listed, lookup
from ..upstream.model_table import Capabilities

if TYPE_CHECKING:
    from .user import User


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def answering(self) -> LanguageModelQuerySet:
        """Models that answer now: offered, until their date, by a provider in use."""
        lasting = models.Q(retired_at=None) | models.Q(retired_at__gt=timezone.now())
        return self.filter(lasting, enabled=True, provider__enabled=True)

    def usable_by(self, user: User) -> list[LanguageModel]:
        """Models that answer now and that this person may use, in the order of the picker."""
        # A row for each group that a model is kept for. Every send asks this, and there are few models: to choose and
        # to sort here costs less than to compose the SQL for it.
        rows = list(self.answering().select_related("provider").annotate(kept_for=models.F("allowed_groups")))
        kept_for = [vars(model)["kept_for"] for model in rows]
        groups = {None, *(user.groups.values_list("pk", flat=True) if any(kept_for) else ())}
        usable = {model.pk: model for model, group in zip(rows, kept_for, strict=True) if group in groups}
        return sorted(usable.values(), key=lambda model: (model.position, model.pk))

    def succession(self, id: int | None) -> Iterator[int]:
        """The ids of this model, of what takes its place, and so on; of any of them the row may be gone by now."""
        seen: set[int] = set()
        while id is not None and id not in seen:
            seen.add(id)
            yield id
            id = self.filter(pk=id).values_list("replacement_id", flat=True).first()


class LanguageModel(models.Model):
    provider = models.ForeignKey("Provider", on_delete=models.CASCADE, related_name="language_models")
    model_id = models.CharField(max_length=200)
    label = models.CharField(max_length=200, blank=True)
    capabilities = models.JSONField(default=dict, blank=True, help_text="Overrides of the built-in table.")
    listed = models.JSONField(default=dict, blank=True, help_text="What the provider's own list said of it.")
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

    @property
    def can(self) -> Capabilities:
        """As `known`, with an administrator's overrides."""
        return dataclasses.replace(self.known, **as_fields(self.capabilities))

    @property
    def known(self) -> Capabilities:
        """What the built-in table says of it behind this provider, or better: what the provider's own list said."""
        dialect = self.provider.dialect
        return as_listed(lookup(self.model_id, dialect), self.listed, dialect)

    def max_tokens(self, chosen: int | None) -> int:
        """Of a request: what a person chose, as far as the model is known to go; else the default (messages-api 14)."""
        can = self.can
        if chosen and not can.known and "max_output" not in self.capabilities:
            return chosen
        return min(chosen or DEFAULT_MAX_TOKENS, can.max_output)

    @property
    def name(self) -> str:
        """What people know it by: the administrator's label, else the table's name, else its id."""
        return self.label or lookup(self.model_id, self.provider.dialect).display_name or self.model_id

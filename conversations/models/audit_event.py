"""Append-only record of administrative acts and sign-in events: who, when, what, from where; never a secret."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Append-only: nothing here changes or removes what was recorded."""

    def update(self, **_: Any) -> int:
        raise TypeError("The audit record is never changed.")

    def delete(self) -> Any:
        raise TypeError("The audit record is never shortened.")


class AuditEvent(models.Model):
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True)
    act = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    objects = AuditEventQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.actor_name} {self.act}"

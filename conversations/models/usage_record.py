"""The ledger: one row per upstream call, in tokens and micro-dollars. A row is final once its call has ended."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class UsageRecord(models.Model):
    class Purpose(models.TextChoices):
        CHAT = "chat", "Answer"
        CONTINUE = "continue", "Continuation"
        TITLE = "title", "Title"
        TEST = "test", "Test by an administrator"

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    user = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="usage_records")
    conversation = models.ForeignKey(
        "Conversation", null=True, on_delete=models.SET_NULL, related_name="usage_records"
    )
    generation = models.ForeignKey(
        "Generation", null=True, on_delete=models.SET_NULL, related_name="usage_records"
    )
    provider = models.ForeignKey("Provider", null=True, on_delete=models.SET_NULL, related_name="+")
    # Which model was asked; `model` says which one answered.
    language_model = models.ForeignKey(
        "LanguageModel", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    model = models.CharField(max_length=200)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.CHAT)
    attempt = models.PositiveSmallIntegerField(default=1)
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    cache_creation_5m_input_tokens = models.PositiveBigIntegerField(null=True)
    cache_creation_1h_input_tokens = models.PositiveBigIntegerField(null=True)
    cache_read_input_tokens = models.PositiveBigIntegerField(null=True)
    server_tool_use = models.JSONField(default=dict)
    # None: the price is not known (messages-api 13.2: unknown is never zero).
    cost_microdollars = models.BigIntegerField(null=True)
    # What budgets count while the cost is unknown: the worst case that was reserved for the call.
    presumed_microdollars = models.BigIntegerField(null=True)
    # A GenerationStatus; RUNNING is only a title that is being asked for.
    status = models.CharField(max_length=20)
    error_type = models.CharField(max_length=40, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "created_at"], name="ledger_of_person"),
            models.Index(fields=["created_at"], name="calls_under_way", condition=models.Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.purpose} {self.status}"

"""One answer in the making: who asked, with which parameters, which process works on it, how it ended."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone


class GenerationStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"


LIVE = (GenerationStatus.QUEUED, GenerationStatus.RUNNING)


class GenerationQuerySet(models.QuerySet["Generation"]):
    def live(self) -> GenerationQuerySet:
        return self.filter(status__in=LIVE)

    def with_expiry(self) -> GenerationQuerySet:
        """With `is_expired`, of live answers: the process has stopped renewing its lease, or never took one."""
        expired = models.Q(lease_until=None) | models.Q(lease_until__lt=Now())
        return self.annotate(is_expired=models.ExpressionWrapper(expired, models.BooleanField()))


def lease_end() -> CombinedExpression:
    """The end of a lease that is taken or renewed in this write, by the database's clock: those of several machines
    differ. A row that was saved with it has to be read again to tell the time.
    """
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


class Generation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="generations")
    message = models.OneToOneField("Message", on_delete=models.CASCADE, related_name="generation")
    # None once the person was removed; the answer stays with the conversation.
    requested_by = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="generations")
    # Made by the browser, one per send: a repeated send finds the first one's rows (promise P4).
    client_id = models.UUIDField()
    client_digest = models.CharField(max_length=64)
    language_model = models.ForeignKey("LanguageModel", null=True, on_delete=models.SET_NULL)
    model = models.CharField(max_length=200)
    # Of the provider as it was then (`Provider.upstream`); empty for answers from before this was kept.
    upstream = models.CharField(max_length=16, blank=True, default="")
    parameters = models.JSONField(default=dict)
    status = models.CharField(
        max_length=12, choices=GenerationStatus.choices, default=GenerationStatus.QUEUED
    )
    owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)
    # The worst case that budgets hold back while the answer runs; None where none applies.
    reserved_microdollars = models.BigIntegerField(null=True)
    last_seq = models.PositiveIntegerField(default=0)
    error = models.JSONField(null=True, blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    # Where the upstream ran code for it: `id` and `expires_at`, in its words; None where it did not.
    container = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    first_token_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["requested_by", "client_id"], name="send_once_per_person")
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                name="live_generations",
                condition=models.Q(status__in=["queued", "running"]),
            ),
            models.Index(
                fields=["conversation"],
                name="live_in_conversation",
                condition=models.Q(status__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.status}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

"""Sums of the ledger by day and month, kept in the ledger's own transactions: the usage page and budgets read them,
not a million rows.
"""

from __future__ import annotations

from django.db import models


class UsageSums(models.Model):
    """What is summed of the calls that agree in the columns of a subclass."""

    # A hash of what the calls agree in: null columns are never equal, so they cannot be unique together.
    key = models.CharField(max_length=64, unique=True)
    calls = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_creation_5m_input_tokens = models.PositiveBigIntegerField(default=0)
    cache_creation_1h_input_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_input_tokens = models.PositiveBigIntegerField(default=0)
    server_tool_requests = models.PositiveBigIntegerField(default=0)
    cost_microdollars = models.BigIntegerField(default=0)
    # Of the calls whose cost is unknown: how many, and what budgets count for them.
    unknown_costs = models.PositiveBigIntegerField(default=0)
    presumed_microdollars = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class UsageDay(UsageSums):
    """The calls of one day (UTC) and one person, by model and how they ended."""

    day = models.DateField()
    user = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="+")
    language_model = models.ForeignKey(
        "LanguageModel", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    model = models.CharField(max_length=200)
    purpose = models.CharField(max_length=10)
    status = models.CharField(max_length=20)
    error_type = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["day", "user"], name="usage_by_day"),
            models.Index(fields=["user", "day"], name="usage_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.calls}"


class UsageDayTotal(UsageSums):
    """The calls of one day (UTC), whoever asked: for charts of everybody, and limits of the workspace and of models."""

    day = models.DateField()
    language_model = models.ForeignKey(
        "LanguageModel", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    model = models.CharField(max_length=200)
    error_type = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["day"], name="usage_total_of_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.calls}"


class UsageMonth(UsageSums):
    """All calls of one person in one month (UTC); `month` is its first day."""

    month = models.DateField()
    user = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["month"], name="usage_of_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.calls}"


class FirstTokenDay(models.Model):
    """How many answers of a day (UTC) began after about this long. `bucket` counts steps of a fifth."""

    key = models.CharField(max_length=64, unique=True)
    day = models.DateField()
    bucket = models.PositiveSmallIntegerField()
    calls = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["day", "bucket", "calls"], name="first_tokens_of_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.bucket} {self.calls}"

"""Keeps the daily sums of the ledger. Called in the transaction that stores ledger rows, as its last writes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from django.db.models import F

from ..models import FirstTokenDay, UsageDay, UsageRecord

# Each bucket of waiting times ends a fifth (2 to the power of 1/4) after the one before.
_BUCKETS_PER_DOUBLING = 4
SUMMED = (
    "input_tokens",
    "output_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "cache_read_input_tokens",
    "cost_microdollars",
    "presumed_microdollars",
)


def add(records: Iterable[UsageRecord]) -> None:
    """Count these calls, which have ended. In the order of the keys, so that two transactions never wait for each
    other.
    """
    days: dict[str, UsageDay] = {}
    waits: dict[str, FirstTokenDay] = {}
    for record in records:
        day = day_of(record)
        sums = days.setdefault(day.key, day)
        sums.calls += 1
        sums.unknown_costs += record.cost_microdollars is None
        uses = record.server_tool_use
        sums.server_tool_requests += sum(n for n in uses.values() if isinstance(n, int))
        for name in SUMMED:
            setattr(sums, name, getattr(sums, name) + (getattr(record, name) or 0))
        if record.first_token_ms is not None:
            wait = wait_of(record)
            waits.setdefault(wait.key, wait).calls += 1
    for key in sorted(days):
        _increase(UsageDay, days[key], ("calls", "unknown_costs", "server_tool_requests", *SUMMED))
    for key in sorted(waits):
        _increase(FirstTokenDay, waits[key], ("calls",))


def day_of(record: UsageRecord) -> UsageDay:
    """The row, with nothing counted yet, that this call belongs to."""
    found = UsageDay(
        day=record.created_at.astimezone(UTC).date(),
        user_id=record.user_id,
        language_model_id=record.language_model_id,
        model=record.model,
        purpose=record.purpose,
        status=record.status,
        error_type=record.error_type,
    )
    asked = (found.user_id, found.language_model_id, found.model, str(found.purpose))
    found.key = _key(found.day, *asked, str(found.status), found.error_type)
    return found


def wait_of(record: UsageRecord) -> FirstTokenDay:
    """The row, with nothing counted yet, that this call's wait for its first token belongs to."""
    day = record.created_at.astimezone(UTC).date()
    bucket = bucket_of(record.first_token_ms or 0)
    return FirstTokenDay(key=_key(day, bucket), day=day, bucket=bucket)


def bucket_of(milliseconds: int) -> int:
    return round(math.log2(max(1, milliseconds)) * _BUCKETS_PER_DOUBLING)


def milliseconds_of(bucket: int) -> int:
    """The middle of a bucket: at most a tenth away from every wait in it."""
    return round(2 ** (bucket / _BUCKETS_PER_DOUBLING))


def _increase(model: Any, row: Any, names: tuple[str, ...]) -> None:
    more = {name: F(name) + value for name in names if (value := getattr(row, name))}
    if not model.objects.filter(key=row.key).update(**more):
        for name in names:
            setattr(row, name, 0)
        # Another process may make the same row in this moment: whoever comes second adds to it.
        model.objects.bulk_create([row], ignore_conflicts=True)
        model.objects.filter(key=row.key).update(**more)


def _key(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()

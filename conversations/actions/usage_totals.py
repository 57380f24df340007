"""Keeps the sums of the ledger. Called in the transaction that stores ledger rows, as its last writes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from ..models import FirstTokenDay, UsageDay, UsageDayTotal, UsageMonth, UsageRecord
from .many_rows import add_each

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
_COUNTED = ("calls", "unknown_costs", "server_tool_requests", *SUMMED)

# Rows that hold sums, by table and key.
Sums = dict[tuple[str, str], UsageDay | UsageDayTotal | UsageMonth | FirstTokenDay]


def add(records: Iterable[UsageRecord]) -> None:
    """Count these calls, which have ended. In the order of tables and keys, so that two transactions never wait for
    each other.
    """
    sums: Sums = {}
    for record in records:
        count(record, sums)
    for model in (FirstTokenDay, UsageDay, UsageDayTotal, UsageMonth):
        rows = sorted((row for row in sums.values() if isinstance(row, model)), key=lambda row: row.key)
        add_each(rows, "key", ("calls",) if model is FirstTokenDay else _COUNTED)


def count(record: UsageRecord, sums: Sums) -> None:
    """Add one call to the rows that it belongs to, making those that are missing; nothing is stored."""
    for row in _rows_of(record):
        row = sums.setdefault((row._meta.db_table, row.key), row)
        row.calls += 1
        if isinstance(row, FirstTokenDay):
            continue
        row.unknown_costs += record.cost_microdollars is None
        row.server_tool_requests += sum(n for n in record.server_tool_use.values() if isinstance(n, int))
        for name in SUMMED:
            setattr(row, name, getattr(row, name) + (getattr(record, name) or 0))


def _rows_of(record: UsageRecord) -> list[UsageDay | UsageDayTotal | UsageMonth | FirstTokenDay]:
    """The rows, with nothing counted yet, that this call belongs to."""
    day = record.created_at.astimezone(UTC).date()
    month = day.replace(day=1)
    who, asked = record.user_id, record.language_model_id
    ended: dict[str, Any] = {"model": record.model, "error_type": record.error_type}
    full = _key(day, who, asked, record.model, str(record.purpose), str(record.status), record.error_type)
    rows: list[UsageDay | UsageDayTotal | UsageMonth | FirstTokenDay] = [
        UsageDay(
            key=full, day=day, user_id=who, language_model_id=asked, purpose=record.purpose, status=record.status,
            **ended,
        ),
        UsageDayTotal(
            key=_key(day, asked, record.model, record.error_type), day=day, language_model_id=asked, **ended
        ),
        UsageMonth(key=_key(month, who), month=month, user_id=who),
    ]  # fmt: skip
    if record.first_token_ms is not None:
        bucket = bucket_of(record.first_token_ms)
        rows.append(FirstTokenDay(key=_key(day, bucket), day=day, bucket=bucket))
    return rows


def bucket_of(milliseconds: int) -> int:
    return round(math.log2(max(1, milliseconds)) * _BUCKETS_PER_DOUBLING)


def milliseconds_of(bucket: int) -> int:
    """The middle of a bucket: at most a tenth away from every wait in it."""
    return round(2 ** (bucket / _BUCKETS_PER_DOUBLING))


def _key(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()

"""One ledger row per upstream call. Called inside the transaction that stores what the call brought."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from ..models import Generation, GenerationStatus, UsageRecord
from ..upstream.pricing import cost_microdollars
from .outcome import Outcome

Usage = dict[str, Any]


def record(generation: Generation, outcome: Outcome, purpose: UsageRecord.Purpose) -> int | None:
    """Book the calls that made this outcome; the cost in micro-dollars, None when unknown."""
    if outcome.failed_attempts is None:
        return None
    language_model = generation.language_model
    call: dict[str, Any] = {
        "user_id": generation.requested_by_id,
        "conversation_id": generation.conversation_id,
        "generation": generation,
        "provider": language_model.provider if language_model else None,
        "model": outcome.model or generation.model,
        "purpose": purpose,
    }
    rows = [
        UsageRecord(**call, attempt=attempt, status=GenerationStatus.FAILED, error_type=error_type)
        for attempt, error_type in enumerate(outcome.failed_attempts, 1)
    ]
    # A provisional count is not a price: what a broken-off answer cost is unknown, not nothing.
    cost = price(generation, outcome.usage, outcome.meta, outcome.model) if outcome.usage_is_final else None
    rows.append(
        UsageRecord(
            **call,
            attempt=len(rows) + 1,
            cost_microdollars=cost,
            status=outcome.status,
            error_type=(outcome.error or {}).get("type", ""),
            first_token_ms=milliseconds(generation.created_at, outcome.first_token_at),
            duration_ms=milliseconds(generation.created_at, timezone.now()),
            **token_columns(outcome.usage or {}),
        )
    )
    UsageRecord.objects.bulk_create(rows)
    return cost


def price(generation: Generation, usage: Usage | None, meta: Usage | None, answered_as: str) -> int | None:
    """messages-api 13.2: what the provider says it cost, else the price table, else unknown."""
    language_model = generation.language_model
    dialect = language_model.provider.dialect if language_model else ""
    return cost_microdollars(usage or {}, meta, generation.model or answered_as, dialect)


def token_columns(usage: Usage) -> dict[str, Any]:
    """The five token kinds and the server tools' uses, from a `usage` object; what is missing stays unknown."""
    creation = usage.get("cache_creation") or {}
    written_5m = creation.get("ephemeral_5m_input_tokens", usage.get("cache_creation_input_tokens"))
    return {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_creation_5m_input_tokens": written_5m,
        "cache_creation_1h_input_tokens": creation.get("ephemeral_1h_input_tokens"),
        "cache_read_input_tokens": usage.get("cache_read_input_tokens"),
        "server_tool_use": usage.get("server_tool_use") or {},
    }


def milliseconds(start: Any, end: Any) -> int | None:
    return None if end is None else max(0, round((end - start).total_seconds() * 1000))

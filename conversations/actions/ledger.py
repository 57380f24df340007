"""One ledger row per upstream call, made in the transaction that stores what the call brought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from ..models import Generation, GenerationStatus, LanguageModel, UsageRecord
from ..upstream.pricing import cost_microdollars
from . import usage_totals
from .model_prices import entered_prices
from .outcome import Outcome

Usage = dict[str, Any]

# The upstream refused, or was never reached: nobody bills for these. After any other failure it may have worked.
NOT_BILLED = frozenset(
    {"connect", "tls", "invalid", "auth", "model", "size", "limit", "spend", "service", "busy"}
)


def rows_of(generation: Generation, outcome: Outcome, purpose: UsageRecord.Purpose) -> list[UsageRecord]:
    """The rows, not yet stored, of the calls that made this outcome; sets `outcome.cost_microdollars`."""
    if outcome.failed_attempts is None:
        return []
    rows = failed_tries(
        generation, purpose, outcome.failed_attempts, generation.reserved_microdollars, outcome.model
    )
    # A provisional count is not a price: what a broken-off answer cost is unknown, not nothing.
    counted = (outcome.usage, outcome.meta) if outcome.usage_is_final else (None, None)
    cost = price(generation.language_model, generation.model, *counted, outcome.model)
    outcome.cost_microdollars = cost
    error_type = (outcome.error or {}).get("type", "")
    refused = outcome.status == GenerationStatus.FAILED and error_type in NOT_BILLED
    rows.append(
        UsageRecord(
            **call_columns(generation, purpose, outcome.model),
            attempt=len(rows) + 1,
            cost_microdollars=cost,
            presumed_microdollars=(
                generation.reserved_microdollars if cost is None and not refused else None
            ),
            status=outcome.status,
            error_type=error_type,
            first_token_ms=milliseconds(generation.created_at, outcome.first_token_at),
            duration_ms=milliseconds(generation.created_at, timezone.now()),
            **token_columns(outcome.usage or {}),
        )
    )
    return rows


def store(rows: Iterable[UsageRecord]) -> None:
    """Store rows of ended calls and count them. Call last in the transaction."""
    rows = list(rows)
    UsageRecord.objects.bulk_create(rows)
    usage_totals.add(rows)


def failed_tries(
    generation: Generation,
    purpose: UsageRecord.Purpose,
    error_types: list[str],
    presumed: int | None,
    answered_as: str = "",
) -> list[UsageRecord]:
    """Rows, not yet stored, of the tries before the last one."""
    return [
        UsageRecord(
            **call_columns(generation, purpose, answered_as),
            attempt=attempt,
            status=GenerationStatus.FAILED,
            error_type=error_type,
            cost_microdollars=price(generation.language_model, generation.model, None, None, answered_as),
            presumed_microdollars=None if error_type in NOT_BILLED else presumed,
        )
        for attempt, error_type in enumerate(error_types, 1)
    ]


def call_columns(generation: Generation, purpose: UsageRecord.Purpose, answered_as: str) -> dict[str, Any]:
    """Who asked whom for what."""
    language_model = generation.language_model
    return {
        "user_id": generation.requested_by_id,
        "conversation_id": generation.conversation_id,
        "generation": generation,
        "provider": language_model.provider if language_model else None,
        "language_model": language_model,
        "model": answered_as or generation.model,
        "purpose": purpose,
    }


def price(
    language_model: LanguageModel | None,
    asked: str,
    usage: Usage | None,
    meta: Usage | None,
    answered_as: str,
) -> int | None:
    """messages-api 13.2: what the provider says it cost, else an administrator's price, else the list, else unknown.

    Without `usage` and `meta` only what never costs anything has a price: nothing.
    """
    dialect = language_model.provider.dialect if language_model else ""
    prices = entered_prices(language_model, timezone.now().date())
    return cost_microdollars(usage or {}, meta, asked or answered_as, dialect, prices=prices)


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

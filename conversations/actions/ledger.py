"""One ledger row per upstream call: of an answer's last try in the transaction that stores what it brought, of those
that failed before it at once, so that no crash hides what they may have cost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from ..models import Generation, GenerationStatus, LanguageModel, UsageRecord
from ..models.generation import LIVE
from ..upstream.pricing import cost_microdollars
from ..upstream.usage import cache_writes
from . import usage_totals
from .model_prices import dialect_of_prices, entered_prices
from .outcome import Outcome
from .transaction import writing

Usage = dict[str, Any]

# The upstream refused, or was never reached: nobody bills for these. After any other failure it may have worked.
NOT_BILLED = frozenset(
    {"connect", "tls", "invalid", "auth", "model", "size", "limit", "spend", "service", "busy"}
)


def purpose_of(generation: Generation) -> UsageRecord.Purpose:
    return UsageRecord.Purpose.CONTINUE if generation.message.continues else UsageRecord.Purpose.CHAT


def book_failed_tries(generation: uuid.UUID, owner: str, error_types: list[str]) -> bool:
    """Book those tries of a running answer that are not booked yet: when one has failed, before the next is made.

    False, and nothing is stored, when the answer is no longer this process's: whoever ended it has booked the try.
    """
    with writing():
        # An end of the same answer, on another thread or machine, comes before or after all of this.
        mine = Generation.objects.select_for_update(of=("self",), no_key=True).filter(
            pk=generation, owner=owner, status__in=LIVE
        )
        found = mine.select_related("message", "language_model__provider").first()
        if found is not None:
            store(_unbooked_tries(found, error_types))
    return found is not None


def booked_tries(generation: Generation) -> list[str]:
    """The error types of an unended answer's tries that are booked already, in their order."""
    booked = UsageRecord.objects.filter(generation=generation).exclude(purpose=UsageRecord.Purpose.TITLE)
    return list(booked.order_by("attempt").values_list("error_type", flat=True))


def rows_of(generation: Generation, outcome: Outcome) -> list[UsageRecord]:
    """The rows, not yet stored, of the calls that made this outcome; sets `outcome.cost_microdollars`."""
    if outcome.failed_attempts is None:
        return []
    rows = _unbooked_tries(generation, outcome.failed_attempts)
    if outcome.ended_between_tries:
        return rows
    # A provisional count is not a price: what a broken-off answer cost is unknown, not nothing. What a gateway says
    # that a whole answer cost holds without any count.
    usage = outcome.usage if outcome.usage_is_final else None
    is_whole = outcome.usage_is_final or outcome.status == GenerationStatus.COMPLETED
    meta = outcome.meta if is_whole else None
    cost = price(generation.language_model, generation.model, usage, meta, outcome.model)
    outcome.cost_microdollars = cost
    error_type = (outcome.error or {}).get("type", "")
    # What began and broke off may be billed, also where nothing of it could be kept.
    has_begun = outcome.first_token_at is not None
    refused = outcome.status == GenerationStatus.FAILED and error_type in NOT_BILLED and not has_begun
    rows.append(
        UsageRecord(
            **call_columns(generation, purpose_of(generation), outcome.model),
            attempt=len(outcome.failed_attempts) + 1,
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


def _unbooked_tries(generation: Generation, error_types: list[str]) -> list[UsageRecord]:
    """Rows, not yet stored, of the failed tries that have none; without any try nothing is asked."""
    # What is booked are always the first ones: each booking makes up for those that could not be written.
    booked = len(booked_tries(generation)) if error_types else 0
    return [
        _failed_try(generation, attempt, error_type)
        for attempt, error_type in enumerate(error_types, 1)
        if attempt > booked
    ]


def _failed_try(generation: Generation, attempt: int, error_type: str) -> UsageRecord:
    return UsageRecord(
        **call_columns(generation, purpose_of(generation), ""),
        attempt=attempt,
        status=GenerationStatus.FAILED,
        error_type=error_type,
        cost_microdollars=price(generation.language_model, generation.model, None, None, ""),
        presumed_microdollars=None if error_type in NOT_BILLED else generation.reserved_microdollars,
    )


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
    dialect = dialect_of_prices(language_model.provider) if language_model else ""
    prices = entered_prices(language_model, timezone.now().date())
    return cost_microdollars(usage or {}, meta, asked or answered_as, dialect, prices=prices)


def token_columns(usage: Usage) -> dict[str, Any]:
    """The five token kinds and the server tools' uses, from a `usage` object; what is missing stays unknown."""
    written_5m, written_1h = cache_writes(usage)
    return {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_creation_5m_input_tokens": written_5m,
        "cache_creation_1h_input_tokens": written_1h,
        "cache_read_input_tokens": usage.get("cache_read_input_tokens"),
        "server_tool_use": usage.get("server_tool_use") or {},
    }


def milliseconds(start: Any, end: Any) -> int | None:
    """None without an end. At most what a column holds: the clock may have jumped by years in between."""
    return None if end is None else min(max(0, round((end - start).total_seconds() * 1000)), 2**31 - 1)

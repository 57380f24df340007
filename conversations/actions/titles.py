"""The automatic title of a conversation and its ledger rows. Called by the engine."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from ..models import Conversation, Generation, GenerationStatus, Message, UsageRecord
from . import after_commit, budgets, ledger, usage_totals
from .many_rows import update_each
from .text import clean_title
from .transaction import writing

_TITLE = UsageRecord.Purpose.TITLE
# What the next try of a call has in common with the one that failed.
_SAME = (
    "user_id",
    "conversation_id",
    "generation_id",
    "provider_id",
    "language_model_id",
    "model",
    "purpose",
    "presumed_microdollars",
)


def open_call(conversation: uuid.UUID, generation: uuid.UUID, characters: int, max_tokens: int) -> int | None:
    """Book the call before it is made; the id of its row, None when no title is wanted.

    It is wanted when no person has named the conversation, no other answer that says something has completed in it, and
    none was ever asked for. Raises BudgetExceeded.
    """
    if not Conversation.objects.filter(pk=conversation, titled_by_person=False).exists():
        return None
    completed = Message.objects.filter(
        conversation=conversation, role=Message.Role.ASSISTANT, status=GenerationStatus.COMPLETED
    )
    others = completed.exclude(generation=generation)
    if any(others.values_list("content", flat=True).iterator()):
        return None
    with writing():
        if UsageRecord.objects.filter(conversation=conversation, purpose=_TITLE).exists():
            return None
        found = Generation.objects.select_related("language_model__provider", "requested_by").get(
            pk=generation
        )
        if found.language_model is None or found.requested_by is None:
            return None
        row = UsageRecord(
            **ledger.call_columns(found, _TITLE, ""),
            status=GenerationStatus.RUNNING,
            presumed_microdollars=budgets.reserve_text(
                found.requested_by, found.language_model, characters, max_tokens
            ),
        )
        row.save(force_insert=True)
    return int(row.pk)


def try_again(row_id: int, error_type: str) -> int:
    """Book that a try failed, and the next one before it is made; the id of its row."""
    with writing():
        failed = _held(row_id)
        same = {name: getattr(failed, name) for name in _SAME}
        row = UsageRecord(**same, attempt=failed.attempt + 1, status=GenerationStatus.RUNNING)
        row.save(force_insert=True)
        _close(failed, GenerationStatus.FAILED, error_type=error_type)
    return int(row.pk)


def store(
    row_id: int, text: str, usage: dict[str, Any] | None, meta: dict[str, Any] | None, model: str
) -> None:
    """Book what the call brought, and take the title unless a person has named the conversation meanwhile."""
    title = clean_title(text.strip().strip("\"'“”„«»#*").rstrip("."))
    with writing():
        row = UsageRecord.objects.only("conversation").get(pk=row_id)
        if title and row.conversation_id is not None:
            conversations = Conversation.objects.filter(pk=row.conversation_id, titled_by_person=False)
            if conversations.update(title=title):
                after_commit.conversation_updated(conversations.get())
        # The row after its conversation, as those take them who erase one.
        _close(_held(row_id), GenerationStatus.COMPLETED, usage=usage, meta=meta, model=model)


def book_failure(row_id: int, error_type: str) -> None:
    """A call that failed is a ledger row too; what it cost is not known."""
    with writing():
        _close(_held(row_id), GenerationStatus.FAILED, error_type=error_type)


def end_lost_calls() -> None:
    """Calls whose process died cost nobody knows what: their worst case stays counted."""
    before = timezone.now() - timedelta(seconds=settings.UPSTREAM_TOTAL_TIMEOUT * 2)
    lost = UsageRecord.objects.filter(status=GenerationStatus.RUNNING, created_at__lt=before)
    if not lost.exists():
        return
    with writing():
        rows = list(lost.select_for_update(of=("self",)).select_related("language_model__provider"))
        for row in rows:
            row.status = GenerationStatus.INTERRUPTED
            row.cost_microdollars = ledger.price(row.language_model, row.model, None, None, "")
        update_each(rows, ("status", "cost_microdollars"))
        usage_totals.add(rows)


def _held(row_id: int) -> UsageRecord:
    """The row of a call, which nobody else closes or counts before this transaction ends."""
    rows = UsageRecord.objects.select_for_update(of=("self",)).select_related("language_model__provider")
    return rows.get(pk=row_id)


def _close(
    row: UsageRecord,
    status: str,
    *,
    usage: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    model: str = "",
    error_type: str = "",
) -> None:
    if row.status != GenerationStatus.RUNNING:
        # Given up by `end_lost_calls`, and counted there.
        return
    row.cost_microdollars = ledger.price(row.language_model, row.model, usage, meta, model)
    if row.cost_microdollars is not None or error_type in ledger.NOT_BILLED:
        row.presumed_microdollars = None
    row.model = model or row.model
    row.status, row.error_type = status, error_type
    row.duration_ms = ledger.milliseconds(row.created_at, timezone.now())
    for name, value in ledger.token_columns(usage or {}).items():
        setattr(row, name, value)
    row.save()
    usage_totals.add([row])

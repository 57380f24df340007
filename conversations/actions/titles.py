"""The automatic title of a conversation and its ledger row. Called by the engine."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from .. import access
from ..live import news
from ..models import Conversation, Generation, UsageRecord
from .ledger import price, token_columns
from .text import clean_title
from .transaction import writing


def is_wanted(conversation: uuid.UUID) -> bool:
    """No person has named it, and no title was ever asked for."""
    return (
        Conversation.objects.filter(pk=conversation, titled_by_person=False).exists()
        and not UsageRecord.objects.filter(
            conversation=conversation, purpose=UsageRecord.Purpose.TITLE
        ).exists()
    )


def store(
    generation: uuid.UUID, text: str, usage: dict[str, Any] | None, meta: dict[str, Any] | None, model: str
) -> None:
    """Book the call, and take the title unless a person has named the conversation meanwhile."""
    title = clean_title(text.strip().strip("\"'“”„«»#*").rstrip("."))
    with writing():
        row = _book(generation, "completed", usage=usage, meta=meta, model=model)
        if not title:
            return
        conversations = Conversation.objects.filter(pk=row.conversation_id, titled_by_person=False)
        if conversations.update(title=title):
            conversation = conversations.get()
            people = access.audience(conversation)
            transaction.on_commit(lambda: news.conversation_updated(conversation, people))


def book_failure(generation: uuid.UUID, error_type: str) -> None:
    """A call that failed is a ledger row too; what it cost is not known."""
    _book(generation, "failed", error_type=error_type)


def _book(
    id: uuid.UUID,
    status: str,
    *,
    usage: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    model: str = "",
    error_type: str = "",
) -> Generation:
    generation = Generation.objects.select_related("language_model__provider").get(pk=id)
    UsageRecord(
        user_id=generation.requested_by_id,
        conversation_id=generation.conversation_id,
        generation=generation,
        provider=generation.language_model.provider if generation.language_model else None,
        model=model or generation.model,
        purpose=UsageRecord.Purpose.TITLE,
        status=status,
        error_type=error_type,
        cost_microdollars=price(generation, usage, meta, model),
        **token_columns(usage or {}),
    ).save(force_insert=True)
    return generation

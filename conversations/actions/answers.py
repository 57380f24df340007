"""How an answer ends: content, usage and ledger row in one transaction, its journal rows gone. Called by the engine."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.utils import timezone

from .. import access
from ..live import news
from ..models import Conversation, Generation, GenerationEvent, GenerationStatus, Message, UsageRecord
from ..models.generation import LIVE
from . import ledger
from .transaction import writing

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """Everything that is stored of an ended answer. `status` is one of the four final ones of the contract."""

    generation: uuid.UUID
    status: GenerationStatus
    last_seq: int
    content: list[dict[str, Any]] = field(default_factory=list)
    model: str = ""
    stop_reason: str = ""
    stop_sequence: str = ""
    stop_details: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    usage_is_final: bool = False
    meta: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    html: list[Any] | None = None
    request_id: str = ""
    first_token_at: datetime | None = None
    attempts: int = 1
    # Filled by `finish`: the price in micro-dollars, None when it is not known.
    cost_microdollars: int | None = None

    def stop_body(self) -> dict[str, Any]:
        """The last event of the answer, as the contract lists it."""
        return {
            "type": "message_stop",
            "status": self.status,
            "error": self.error,
            "stop_reason": self.stop_reason or None,
            "usage": self.usage,
            "cost": self.cost_microdollars,
        }


def finish(outcomes: list[Outcome], owner: str | None) -> list[Outcome]:
    """Store how these answers ended; those that were already ended by somebody else are left as they are.

    `owner` is the process that must still hold the lease (None: the reaper, which takes any). Returns the stored
    ones. One transaction for all; when one of them cannot be stored, each gets its own. Raises OperationalError when
    the database cannot be written at all.
    """
    try:
        with writing():
            return [outcome for outcome in outcomes if _finish_one(outcome, owner)]
    except OperationalError:
        raise
    except DatabaseError:
        if len(outcomes) == 1:
            logger.exception("An answer could not be stored: generation %s", outcomes[0].generation)
            return []
    return [stored for outcome in outcomes for stored in finish([outcome], owner)]


def _finish_one(outcome: Outcome, owner: str | None) -> bool:
    rows = Generation.objects.filter(pk=outcome.generation, status__in=LIVE)
    if owner is not None:
        rows = rows.filter(owner=owner)
    now = timezone.now()
    changed = rows.update(
        status=outcome.status,
        last_seq=outcome.last_seq,
        error=outcome.error,
        request_id=outcome.request_id,
        first_token_at=outcome.first_token_at,
        finished_at=now,
        lease_until=None,
    )
    if not changed:
        return False
    generation = Generation.objects.select_related("language_model__provider", "conversation").get(
        pk=outcome.generation
    )
    outcome.cost_microdollars = ledger.record(generation, outcome, UsageRecord.Purpose.CHAT)
    Message.objects.filter(pk=generation.message_id).update(
        content=outcome.content,
        status=outcome.status,
        model=outcome.model or generation.model,
        stop_reason=outcome.stop_reason,
        stop_sequence=outcome.stop_sequence,
        stop_details=outcome.stop_details,
        usage=outcome.usage,
        cost_microdollars=outcome.cost_microdollars,
        error=outcome.error,
        html=outcome.html,
        finished_at=now,
    )
    GenerationEvent.objects.filter(generation=generation).delete()
    conversation = generation.conversation
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    people = access.audience(conversation)
    transaction.on_commit(lambda: news.conversation_updated(conversation, people, running=False))
    return True


def request_stop(generation: Generation) -> None:
    """Leave word for whichever process works on the answer; a finished one stays as it is."""
    Generation.objects.filter(pk=generation.pk, status__in=LIVE).update(stop_requested=True)

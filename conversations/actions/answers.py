"""How an answer ends: content, usage and ledger row in one transaction, its journal rows gone. Called by the engine."""

from __future__ import annotations

import logging

from django.db import DatabaseError, OperationalError
from django.utils import timezone

from ..live import doorbell
from ..models import Conversation, Generation, GenerationEvent, Message, UsageRecord
from ..models.generation import LIVE
from . import after_commit, ledger
from .outcome import Outcome
from .transaction import writing

logger = logging.getLogger(__name__)


def finish(outcomes: list[Outcome], owner: str | None) -> list[Outcome]:
    """Store how these answers ended; those that were already ended by somebody else are left as they are.

    `owner` is the process that must still hold the lease (None: the reaper, which takes any). Returns the stored
    ones. One transaction for all; when one of them cannot be stored, each gets its own. Raises OperationalError when
    the database cannot be written at all.
    """
    try:
        with writing():
            booked: list[UsageRecord] = []
            stored = [outcome for outcome in outcomes if _finish_one(outcome, owner, booked)]
            ledger.store(booked)
            return stored
    except OperationalError:
        raise
    except DatabaseError:
        if len(outcomes) == 1:
            logger.exception("An answer could not be stored: generation %s", outcomes[0].generation)
            return []
    return [stored for outcome in outcomes for stored in finish([outcome], owner)]


def _finish_one(outcome: Outcome, owner: str | None, booked: list[UsageRecord]) -> bool:
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
    generation = Generation.objects.select_related("language_model__provider", "conversation", "message").get(
        pk=outcome.generation
    )
    purpose = UsageRecord.Purpose.CONTINUE if generation.message.continues else UsageRecord.Purpose.CHAT
    booked += ledger.rows_of(generation, outcome, purpose)
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
        thinking_seconds=outcome.thinking_seconds,
        finished_at=now,
    )
    if not doorbell.is_connected():
        # Else other processes may still be reading them, and `journal.sweep` takes them away.
        GenerationEvent.objects.filter(generation=generation).delete()
    conversation = generation.conversation
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    after_commit.conversation_updated(conversation, running=False)
    return True


def request_stop(generation: Generation) -> None:
    """Leave word for whichever process works on the answer; a finished one stays as it is."""
    Generation.objects.filter(pk=generation.pk, status__in=LIVE).update(stop_requested=True)

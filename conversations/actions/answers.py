"""How an answer ends: content, usage and ledger row in one transaction, its journal rows gone. Called by the engine."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import DatabaseError, OperationalError
from django.utils import timezone

from ..live import doorbell
from ..models import Generation, GenerationEvent, UsageRecord, User
from . import after_commit, ledger
from .many_rows import update_each
from .outcome import Outcome
from .transaction import writing

logger = logging.getLogger(__name__)

# What an outcome says of the generation, and of its message.
_GENERATION_HAS = ("status", "last_seq", "error", "request_id", "first_token_at", "container")
_MESSAGE_HAS = (
    "content",
    "status",
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "usage",
    "cost_microdollars",
    "error",
    "html",
    "thinking_seconds",
)


def finish(outcomes: list[Outcome], owner: str | None) -> list[Outcome]:
    """Store how these answers ended; those that were already ended by somebody else are left as they are.

    `owner` is the process that must still hold the lease (None: the reaper, which takes any). Returns the stored
    ones. One transaction for all; when one of them cannot be stored, each gets its own. Raises OperationalError when
    the database cannot be written at all.
    """
    try:
        with writing():
            return _finish_all(outcomes, owner)
    except OperationalError:
        raise
    except DatabaseError:
        if len(outcomes) == 1:
            logger.exception("An answer could not be stored: generation %s", outcomes[0].generation)
            return []
    return [stored for outcome in outcomes for stored in finish([outcome], owner)]


def _finish_all(outcomes: list[Outcome], owner: str | None) -> list[Outcome]:
    live = Generation.objects.live().filter(pk__in=[outcome.generation for outcome in outcomes])
    if owner is not None:
        live = live.filter(owner=owner)
    # Locked until the end, so that of two who end an answer one comes too late; in one order, so that both get on.
    live = live.select_for_update(of=("self",)).order_by("pk")
    generations = live.select_related("language_model__provider", "conversation", "message").in_bulk()
    stored = [outcome for outcome in outcomes if outcome.generation in generations]
    if not stored:
        return []
    now = timezone.now()
    booked: list[UsageRecord] = []
    for outcome in stored:
        booked += _end(generations[outcome.generation], outcome, now)
    update_each(generations.values(), (*_GENERATION_HAS, "finished_at", "lease_until"))
    messages = [generation.message for generation in generations.values()]
    update_each(messages, (*_MESSAGE_HAS, "model", "finished_at"))
    if not doorbell.is_connected():
        # Else other processes may still be reading them, and `journal.sweep` takes them away.
        GenerationEvent.objects.filter(generation__in=list(generations)).delete()
    conversations = {
        generation.conversation_id: generation.conversation for generation in generations.values()
    }
    update_each([conversations[pk] for pk in sorted(conversations)], ("updated_at",))
    # Each branch may have its own. Asked now that the conversations are held: of two that end at the same time one sees
    # that the other is over.
    others = Generation.objects.live().filter(conversation__in=list(conversations))
    running = set(others.values_list("conversation_id", flat=True))
    after_commit.conversations_updated(conversations.values(), running=running)
    ledger.store(booked)
    return stored


def _end(generation: Generation, outcome: Outcome, now: datetime) -> list[UsageRecord]:
    """Puts the outcome into the generation's rows and returns the ledger's; nothing is stored."""
    message = generation.message
    booked = ledger.rows_of(generation, outcome)
    for row, names in ((generation, _GENERATION_HAS), (message, _MESSAGE_HAS)):
        for name in names:
            setattr(row, name, getattr(outcome, name))
    generation.lease_until = None
    message.model = outcome.model or generation.model
    generation.finished_at = message.finished_at = generation.conversation.updated_at = now
    return booked


def request_stop(generation: Generation) -> None:
    """Leave word for whichever process works on the answer; a finished one stays as it is."""
    Generation.objects.live().filter(pk=generation.pk).update(stop_requested=True)


def request_stops_of(person: User) -> None:
    """As `request_stop`, for all that this person has asked for; heard of with the next flush of the journal."""
    with writing():
        # In one order with the journal, which holds many of them as well.
        theirs = Generation.objects.live().filter(requested_by=person).select_for_update(no_key=True)
        live = list(theirs.order_by("pk").values_list("pk", flat=True))
        Generation.objects.filter(pk__in=live).update(stop_requested=True)

"""Answers whose process is gone read as interrupted, with all that was journalled. Only a server reaps."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection

from django.db import DatabaseError
from django.utils import timezone

from ..actions import answers, broken_off
from ..actions.outcome import Outcome
from ..live import news
from ..models import Generation, GenerationStatus
from . import owner
from .answer import RESTART

logger = logging.getLogger(__name__)


def reap(running: Collection[uuid.UUID] = ()) -> int:
    """End every live answer whose owner on this machine is gone or whose lease has run out. Returns how many.

    `running` are the answers that this process is working on: after a standstill of the machine their leases have run
    out, and the journal renews them.
    """
    now = timezone.now()
    expired = set(Generation.objects.expired(now).values_list("pk", flat=True))
    reaped = 0
    for generation in Generation.objects.live().select_related("message"):
        if generation.pk in running:
            continue
        # One of our own that nobody works on is one that never began, or whose end could not be stored.
        if generation.pk in expired or owner.is_gone(generation.owner):
            try:
                outcome = _outcome(generation)
            except DatabaseError:
                # What cannot be read now is not empty: it is left for the next time.
                logger.exception("The journal of generation %s cannot be read now.", generation.pk)
                continue
            reaped += len(answers.finish([outcome], None))
            news.answers_changed([(generation.pk, generation.message_id, generation.conversation_id)])
    if reaped:
        logger.warning("Interrupted answers taken over: %d.", reaped)
    return reaped


def _outcome(generation: Generation) -> Outcome:
    if generation.stop_requested:
        return broken_off.outcome_of(generation, GenerationStatus.STOPPED)
    return broken_off.outcome_of(generation, GenerationStatus.INTERRUPTED, RESTART)

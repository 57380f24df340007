"""Answers whose process is gone read as interrupted, with all that was journalled. Only a server reaps."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection

from django.db import DatabaseError

from ..actions import answers, broken_off
from ..actions.outcome import Outcome
from ..actions.transaction import writing
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
    reaped = 0
    for generation in Generation.objects.live().with_expiry():
        # One of our own that nobody works on is one that never began, or whose end could not be stored.
        if generation.pk in running or not _is_lost(generation):
            continue
        try:
            ended = _take_over(generation.pk)
        except DatabaseError:
            # What cannot be read now is not empty: it is left for the next time.
            logger.exception("Generation %s cannot be taken over now.", generation.pk)
            continue
        if ended:
            reaped += 1
            news.answers_changed([(generation.pk, generation.message_id, generation.conversation_id)])
    if reaped:
        logger.warning("Interrupted answers taken over: %d.", reaped)
    return reaped


def _is_lost(generation: Generation) -> bool:
    """Of one that was read `with_expiry`."""
    return vars(generation)["is_expired"] or owner.is_gone(generation.owner)


def _take_over(generation: uuid.UUID) -> bool:
    """Whether it was ended here: not when its process has been heard of meanwhile, or somebody else was faster."""
    with writing():
        # A process that comes back writes before this, and is read, or behind it, and finds the answer ended.
        live = Generation.objects.live().with_expiry().select_related("message")
        found = live.select_for_update(of=("self",)).filter(pk=generation).first()
        if found is None or not _is_lost(found):
            return False
        return bool(answers.finish([_outcome(found)], None))


def _outcome(generation: Generation) -> Outcome:
    if generation.stop_requested:
        return broken_off.outcome_of(generation, GenerationStatus.STOPPED)
    return broken_off.outcome_of(generation, GenerationStatus.INTERRUPTED, RESTART)

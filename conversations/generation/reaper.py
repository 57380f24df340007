"""Answers whose process is gone read as interrupted, with all that was journalled. Only a server reaps."""

from __future__ import annotations

import logging

from django.utils import timezone

from ..actions import answers
from ..actions.outcome import Outcome
from ..live import doorbell, replay
from ..live.log import LiveLog
from ..models import Generation, GenerationStatus
from . import owner
from .answer import RESTART

logger = logging.getLogger(__name__)


def reap() -> int:
    """End every live answer whose owner on this machine is gone or whose lease has run out. Returns how many."""
    now = timezone.now()
    expired = set(Generation.objects.expired(now).values_list("pk", flat=True))
    reaped = 0
    for generation in Generation.objects.live().select_related("message"):
        # One of our own whose lease was never renewed is one that never began.
        if generation.pk in expired or owner.is_gone(generation.owner):
            reaped += len(answers.finish([_outcome(generation)], None))
            doorbell.ring(
                {
                    "answers": [
                        [str(generation.pk), str(generation.message_id), str(generation.conversation_id)]
                    ]
                }
            )
    if reaped:
        logger.warning("%d interrupted answers were taken over.", reaped)
    return reaped


def _outcome(generation: Generation) -> Outcome:
    log = LiveLog(generation.pk, generation.message_id, generation.conversation_id)
    replay.read_journal(log)
    found = replay.accumulated(log)
    found.finish()
    stopped = generation.stop_requested
    return Outcome(
        generation=generation.pk,
        status=GenerationStatus.STOPPED if stopped else GenerationStatus.INTERRUPTED,
        last_seq=log.seq + 1,
        content=found.content,
        model=found.model or generation.model,
        stop_reason=found.stop_reason or "",
        usage=found.usage or None,
        usage_is_final=found.usage_is_final,
        error=None if stopped else RESTART,
    )

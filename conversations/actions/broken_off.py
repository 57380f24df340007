"""How an answer ends that nobody works on any more: with all that the journal has of it. Used by the reaper and by
`actions.removal`.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError

from ..live import replay
from ..live.log import LiveLog
from ..live.thinking import thinking_seconds
from ..models import Generation, GenerationStatus
from ..upstream.accumulator import Accumulator
from . import ledger
from .outcome import Outcome

logger = logging.getLogger(__name__)


def outcome_of(
    generation: Generation, status: GenerationStatus, error: dict[str, Any] | None = None
) -> Outcome:
    """What is stored of it. Raises DatabaseError where the journal cannot be read now."""
    log = LiveLog(generation.pk, generation.message_id, generation.conversation_id)
    found = Accumulator()
    closing = 0
    try:
        replay.read_journal(log)
        found = replay.accumulated(log)
        blocks = len(found.content)
        found.finish()
        # A broken-off block that is kept ends with an event of its own, as in the engine.
        closing = int(log.has_open_block() and len(found.content) == blocks)
    except DatabaseError:
        raise
    except Exception:
        # It must not stay running, nor keep others from being taken over.
        logger.exception("The journal of generation %s cannot be read to its end.", generation.pk)
    outcome = Outcome(
        generation=generation.pk,
        status=status,
        # An answer of which nothing is journalled still begins with message_start, before its end.
        last_seq=max(log.seq, 1) + closing + 1,
        model=generation.model,
        error=error,
        failed_attempts=ledger.booked_tries(generation),
        thinking_seconds=thinking_seconds(log),
    )
    outcome.take(found)
    return outcome

"""What pages are told while nothing of an answer comes (`generation_status`): here and at the other processes.

It stands in no journal, so every process keeps what it has heard for pages that come later. Told by the engine, heard
by `news`, read by `mirrors`.
"""

from __future__ import annotations

import uuid
from typing import Any

from . import doorbell
from .log import LiveLog

Status = dict[str, Any]

# Of answers under way; an old one is no longer true, which `recall` finds out.
_REMEMBERED = 1000
_heard: dict[uuid.UUID, tuple[int, Status]] = {}


def tell(log: LiveLog, status: Status) -> None:
    """To everybody who follows this answer, in whatever process."""
    log.set_status(status)
    answer = [str(log.generation), str(log.message), str(log.conversation)]
    doorbell.ring({"status": status, "answer": answer, "seq": log.seq})


def remember(generation: uuid.UUID, seq: int, status: Status) -> None:
    """Another process has told this, when the answer's log ended with `seq`. In the event loop."""
    _heard.pop(generation, None)
    _heard[generation] = seq, status
    if len(_heard) > _REMEMBERED:
        del _heard[next(iter(_heard))]


def recall(log: LiveLog) -> None:
    """Give a mirrored log what was told of its answer, unless more has come since then or it has ended."""
    seq, status = _heard.get(log.generation, (-1, None))
    if status is not None and log.mirrored and not log.closed and log.seq <= seq:
        log.set_status(status)

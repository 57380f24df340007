"""Answers that another process works on, mirrored from the journal for the pages of this one.

Woken by the doorbell, by pages that resume, and by the clock where the bell stays silent. Everything here runs in the
event loop; only reads leave it, and what is asked for while one is under way is read together in the next.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from ..models import Generation, GenerationStatus
from ..models.generation import LIVE
from . import replay
from .hub import hub
from .log import LiveLog

logger = logging.getLogger(__name__)

# A running answer of which nothing was heard for so long is looked at without a ring: rings may get lost.
SILENCE_SECONDS = 2.0

NOT_STORED = {
    "type": "internal",
    "message": "The end of this answer could not be saved. Reload the page in a moment.",
}
_wanted: set[uuid.UUID] = set()
_read_at: dict[uuid.UUID, float] = {}
_reading: set[asyncio.Task[None]] = set()


def heard(answers: list[list[Any]]) -> None:
    """A ring: [generation, message, conversation] of each answer that was journalled further or has ended."""
    for generation, message, conversation in answers:
        key, place = uuid.UUID(generation), uuid.UUID(conversation)
        if key not in hub.logs:
            if not hub.in_conversation(place):
                continue
            hub.open_log(LiveLog(key, uuid.UUID(message), place, mirrored=True))
        # An answer that runs here learns from its own journal that another process has ended it.
        if hub.logs[key].mirrored:
            _read_soon(key)


async def log_for(generation: uuid.UUID) -> LiveLog | None:
    """The log to follow for a resume: the one this process has, a mirror, or a replay of what is stored."""
    found = hub.logs.get(generation)
    if found is not None:
        return found
    row = await database_sync_to_async(replay.generation_with_message)(generation)
    if row is None:
        return None
    log: LiveLog = await database_sync_to_async(replay.log_of)(row)
    # Another page may have opened the mirror while the database was read.
    if generation in hub.logs:
        return hub.logs[generation]
    if not log.closed:
        hub.logs[generation] = log
        _read_soon(generation)
    return log


async def watch_for_ever() -> None:
    """Reads on where the bell is silent: without Redis answers of other processes come late, not never."""
    while True:
        await asyncio.sleep(SILENCE_SECONDS / 2)
        late = time.monotonic() - SILENCE_SECONDS
        for generation, at in list(_read_at.items()):
            if generation not in hub.logs:
                del _read_at[generation]
            elif at < late:
                _read_soon(generation)


def _read_soon(generation: uuid.UUID) -> None:
    _wanted.add(generation)
    _read_at[generation] = time.monotonic()
    if not _reading:
        task = asyncio.get_running_loop().create_task(_read())
        _reading.add(task)
        task.add_done_callback(_reading.discard)


async def _read() -> None:
    while _wanted:
        logs = {generation: hub.logs.get(generation) for generation in _wanted}
        _wanted.clear()
        running = [log for log in logs.values() if log is not None and not log.closed]
        if not running:
            continue
        ends = {log.generation: log.seq for log in running}
        try:
            known, ended, added = await database_sync_to_async(_read_further)(ends)
        except DatabaseError as error:
            # The clock tries again.
            logger.warning("Answers of other processes cannot be read: %s", type(error).__name__)
            return
        for log in running:
            if events := added.get(log.generation):
                log.extend(events)
            if log.generation in ended:
                _end(log, *ended[log.generation])
                _read_at.pop(log.generation, None)
            elif log.generation not in known:
                hub.logs.pop(log.generation, None)


Ended = dict[uuid.UUID, tuple[LiveLog, int]]


def _read_further(ends: dict[uuid.UUID, int]) -> tuple[set[uuid.UUID], Ended, dict[uuid.UUID, list[Any]]]:
    """The generations first, then their events: an answer that has ended has all its rows by then."""
    status = dict(Generation.objects.filter(pk__in=list(ends)).values_list("pk", "status"))
    over = [generation for generation, value in status.items() if value not in LIVE]
    ended = {row.pk: (replay.log_of(row), row.last_seq) for row in replay.generations_with_message(over)}
    return set(status), ended, replay.read_journals(ends)


async def end_as_stored(log: LiveLog) -> None:
    """The end of an answer of this process that another one has ended before, or that could not be stored."""
    row = await database_sync_to_async(replay.generation_with_message)(log.generation)
    if row is not None and not row.is_live:
        _end(log, await database_sync_to_async(replay.log_of)(row), row.last_seq)
        return
    log.close(
        {
            "type": "message_stop",
            "status": GenerationStatus.INTERRUPTED,
            "error": NOT_STORED,
            "stop_reason": None,
            "usage": None,
            "cost": None,
        }
    )
    hub.retire(log, settings.LOG_RETENTION_SECONDS)


def _end(log: LiveLog, whole: LiveLog, last_seq: int) -> None:
    if log.seq == last_seq - 1:
        log.close(whole.events[-1])
    else:
        # The journal's rows were gone before they were read: begin again with what is stored.
        log.events = whole.events
        log.rebuilt = True
        log.closed = True
        log.restart()
    hub.retire(log, settings.LOG_RETENTION_SECONDS)

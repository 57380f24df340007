"""Answers that another process works on, mirrored from the journal for the pages of this one.

Woken by the doorbell and by pages that resume. Everything here runs in the event loop; only reads leave it.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from . import replay
from .hub import hub
from .log import LiveLog

_readings: dict[uuid.UUID, asyncio.Task[None]] = {}
_again: set[uuid.UUID] = set()


def heard(answers: list[list[Any]]) -> None:
    """A ring: [generation, message, conversation] of each answer that was journalled further or has ended."""
    for generation, message, conversation in answers:
        key, place = uuid.UUID(generation), uuid.UUID(conversation)
        if key not in hub.logs:
            if not hub.in_conversation(place):
                continue
            hub.open_log(LiveLog(key, uuid.UUID(message), place))
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


def _read_soon(generation: uuid.UUID) -> None:
    if generation in _readings:
        _again.add(generation)
        return
    task = asyncio.get_running_loop().create_task(_read(generation))
    _readings[generation] = task
    task.add_done_callback(lambda _: _readings.pop(generation, None))


async def _read(generation: uuid.UUID) -> None:
    while True:
        _again.discard(generation)
        log = hub.logs.get(generation)
        if log is None or log.closed:
            return
        row = await database_sync_to_async(_read_further)(log)
        log.wake()
        if row is not None and not row.is_live:
            _end(log, await database_sync_to_async(replay.log_of)(row), row.last_seq)
            return
        if generation not in _again:
            return


def _read_further(log: LiveLog) -> Any:
    """The generation first, then its events: an answer that has ended has all its rows by then."""
    row = replay.generation_with_message(log.generation)
    replay.read_journal(log)
    return row


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

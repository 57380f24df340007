"""Answers that another process works on, mirrored from the journal for the pages of this one.

Woken by the doorbell, by pages that resume, and by the clock where the bell stays silent. What a ring announces is read
at once, on a thread: in a storm of sends every turn of the event loop takes long, and it takes only one to show it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from ..models import GenerationStatus
from . import replay, statuses
from .hub import hub
from .journal_reader import SILENCE_SECONDS, JournalReader, Read
from .log import LiveLog

logger = logging.getLogger(__name__)

NOT_STORED = {
    "type": "internal",
    "message": "The end of this answer could not be saved. Reload the page in a moment.",
}

_reader = JournalReader(lambda read: hub.call(_show, read))
close = _reader.close


def heard(answers: list[list[str]]) -> None:
    """A ring: [generation, message, conversation] of each answer that was journalled further or has ended.

    From any thread.
    """
    by_generation = {uuid.UUID(answer[0]): answer for answer in answers}
    unknown = [by_generation[generation] for generation in _reader.read_further(by_generation)]
    if unknown:
        hub.call(_consider, unknown)


def status_heard(answer: list[str], seq: int, status: dict[str, Any]) -> None:
    """What another process tells of its answer, whose log ends with `seq`, while nothing comes. In the event loop."""
    generation = uuid.UUID(answer[0])
    statuses.remember(generation, seq, status)
    if generation not in hub.logs:
        _consider([answer])
    if (log := hub.logs.get(generation)) is not None:
        statuses.recall(log)


def _consider(answers: list[list[str]]) -> None:
    """Mirror those for which a page is open here. In the event loop."""
    for generation, message, conversation in answers:
        key, place = uuid.UUID(generation), uuid.UUID(conversation)
        log = hub.logs.get(key)
        if log is None:
            if not hub.in_conversation(place):
                continue
            log = LiveLog(key, uuid.UUID(message), place, mirrored=True)
            hub.open_log(log)
        # An answer that runs here learns from its own journal that another process has ended it.
        if log.mirrored and not log.closed:
            _reader.begin(key, log.seq)


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
        statuses.recall(log)
        hub.logs[generation] = log
        _reader.begin(generation, log.seq)
    return log


async def watch_for_ever() -> None:
    """Reads on where the bell is silent: without Redis answers of other processes come late, not never."""
    while True:
        await asyncio.sleep(SILENCE_SECONDS / 2)
        _reader.read_silent()


def _show(read: Read) -> None:
    """To the pages of this process. In the event loop."""
    for generation, end in read.ends.items():
        log = hub.logs.get(generation)
        if log is None:
            _reader.forget(generation)
        elif log.closed or not log.mirrored:
            continue
        elif log.seq != end:
            # Another log than the one that was read for.
            _reader.begin(generation, log.seq)
        else:
            if events := read.added.get(generation):
                log.extend(events)
            if generation in read.ended:
                _end(log, *read.ended[generation])
            elif generation not in read.known:
                del hub.logs[generation]


async def end_as_stored(log: LiveLog) -> None:
    """The end of an answer of this process that another one has ended before, or that could not be stored. Raises
    nothing: whatever the database does, the log ends here, and no page waits for more.
    """
    try:
        row = await database_sync_to_async(replay.generation_with_message)(log.generation)
        if row is not None and not row.is_live:
            _end(log, await database_sync_to_async(replay.log_of)(row), row.last_seq)
            return
    except Exception:
        logger.exception("What is stored of an answer could not be read: generation %s", log.generation)
    log.close(replay.stop_body(GenerationStatus.INTERRUPTED, NOT_STORED))
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

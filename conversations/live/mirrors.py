"""Answers that another process works on, mirrored from the journal for the pages of this one.

Woken by the doorbell, by pages that resume, and by the clock where the bell stays silent. A thread of its own reads
what a ring announces, at once: in a storm of sends every turn of the event loop takes long, and it takes only one to
show what was read. What is asked for while a read is under way is read together in the next.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error

from chatsite.database_thread import DatabaseThread

from ..models import Generation, GenerationStatus
from ..models.generation import LIVE
from . import replay, statuses
from .hub import hub
from .log import LiveLog

logger = logging.getLogger(__name__)

# A running answer of which nothing was heard for so long is looked at without a ring: rings may get lost.
SILENCE_SECONDS = 2.0

NOT_STORED = {
    "type": "internal",
    "message": "The end of this answer could not be saved. Reload the page in a moment.",
}

Ended = dict[uuid.UUID, tuple[LiveLog, int]]


@dataclass(slots=True)
class _Mirror:
    """How far an answer has been read, and when that was asked for last."""

    end: int
    asked: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the database had beyond these ends."""

    ends: dict[uuid.UUID, int]
    known: set[uuid.UUID]
    ended: Ended
    added: dict[uuid.UUID, list[Any]]


class _Reader:
    """Reads on in its thread; may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mirrors: dict[uuid.UUID, _Mirror] = {}
        self._wanted: set[uuid.UUID] = set()
        self._thread: DatabaseThread | None = None
        self._is_reading = False

    def begin(self, generation: uuid.UUID, end: int) -> None:
        """Read this answer from here on."""
        with self._lock:
            self._mirrors[generation] = _Mirror(end)
            self._want([generation])

    def forget(self, generation: uuid.UUID) -> None:
        with self._lock:
            self._mirrors.pop(generation, None)

    def read_further(self, generations: Iterable[uuid.UUID]) -> list[uuid.UUID]:
        """Read these soon; returns those that are not mirrored."""
        with self._lock:
            asked = {generation: self._mirrors.get(generation) for generation in generations}
            self._want([generation for generation, mirror in asked.items() if mirror is not None])
        return [generation for generation, mirror in asked.items() if mirror is None]

    def read_silent(self) -> None:
        """Read those that were not asked for lately."""
        late = time.monotonic() - SILENCE_SECONDS
        with self._lock:
            self._want([generation for generation, mirror in self._mirrors.items() if mirror.asked < late])

    async def close(self) -> None:
        with self._lock:
            thread, self._thread = self._thread, None
            self._mirrors.clear()
            self._wanted.clear()
        if thread is not None:
            await thread.close()

    def _want(self, generations: list[uuid.UUID]) -> None:
        now = time.monotonic()
        for generation in generations:
            self._mirrors[generation].asked = now
        self._wanted.update(generations)
        if self._wanted and not self._is_reading:
            self._is_reading = True
            self._thread = self._thread or DatabaseThread("mirrors")
            self._thread.submit(self._read)

    def _read(self) -> None:
        try:
            if ends := self._next():
                read = _beyond(ends)
                self._advance(read)
                hub.call(_show, read)
        except Exception as error:
            # The clock tries again; the thread hears of it too, since its connection may be broken.
            known = isinstance(error, Error)
            logger.warning("Answers of other processes cannot be read.", exc_info=None if known else error)
            raise
        finally:
            with self._lock:
                self._is_reading = False
                self._want([])

    def _next(self) -> dict[uuid.UUID, int]:
        with self._lock:
            wanted = self._wanted & self._mirrors.keys()
            self._wanted.clear()
            return {generation: self._mirrors[generation].end for generation in wanted}

    def _advance(self, read: _Read) -> None:
        with self._lock:
            for generation, end in read.ends.items():
                mirror = self._mirrors.get(generation)
                # It may have been begun anew while the database was read.
                if mirror is None or mirror.end != end:
                    continue
                if generation in read.known and generation not in read.ended:
                    mirror.end += len(read.added.get(generation, ()))
                else:
                    del self._mirrors[generation]


_reader = _Reader()
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


def _beyond(ends: dict[uuid.UUID, int]) -> _Read:
    """The generations first, then their events: an answer that has ended has all its rows by then."""
    status = dict(Generation.objects.filter(pk__in=list(ends)).values_list("pk", "status"))
    over = [generation for generation, value in status.items() if value not in LIVE]
    ended = {row.pk: (replay.log_of(row), row.last_seq) for row in replay.generations_with_message(over)}
    return _Read(ends, set(status), ended, replay.read_journals(ends))


def _show(read: _Read) -> None:
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
    """The end of an answer of this process that another one has ended before, or that could not be stored."""
    row = await database_sync_to_async(replay.generation_with_message)(log.generation)
    if row is not None and not row.is_live:
        _end(log, await database_sync_to_async(replay.log_of)(row), row.last_seq)
        return
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

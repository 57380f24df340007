"""Reads on in the journals of other processes, on a thread of its own. Used by `mirrors`, from any thread.

What is asked for while a read is under way is read together in the next.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import Error

from chatsite.database_thread import DatabaseThread

from ..models import Generation
from ..models.generation import LIVE
from . import replay
from .log import LiveLog

logger = logging.getLogger(__name__)

# A running answer of which nothing was heard for so long is looked at without a ring: rings may get lost.
SILENCE_SECONDS = 2.0


@dataclass(slots=True)
class _Mirror:
    """How far an answer has been read, and when that was asked for last."""

    end: int
    asked: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Read:
    """What the database had beyond these ends."""

    ends: dict[uuid.UUID, int]
    known: set[uuid.UUID]
    ended: dict[uuid.UUID, tuple[LiveLog, int]]
    added: dict[uuid.UUID, list[Any]]


class JournalReader:
    """`show` is called on the reader's thread with what was found."""

    def __init__(self, show: Callable[[Read], None]) -> None:
        self._show = show
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
            thread = self._thread = self._thread or DatabaseThread("mirrors")
            thread.start(partial(self._read, thread))
            self._is_reading = True

    def _read(self, thread: DatabaseThread) -> None:
        try:
            if ends := self._next():
                read = thread.call(beyond, ends)
                self._advance(read)
                self._show(read)
        except Exception as error:
            # The clock tries again.
            known = isinstance(error, Error)
            logger.warning("Answers of other processes cannot be read.", exc_info=None if known else error)
        finally:
            with self._lock:
                self._is_reading = False
                self._want([])

    def _next(self) -> dict[uuid.UUID, int]:
        with self._lock:
            wanted = self._wanted & self._mirrors.keys()
            self._wanted.clear()
            return {generation: self._mirrors[generation].end for generation in wanted}

    def _advance(self, read: Read) -> None:
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


def beyond(ends: dict[uuid.UUID, int]) -> Read:
    """The generations first, then their events: an answer that has ended has all its rows by then."""
    status = dict(Generation.objects.filter(pk__in=list(ends)).values_list("pk", "status"))
    over = [generation for generation, value in status.items() if value not in LIVE]
    ended = {row.pk: (replay.log_of(row), row.last_seq) for row in replay.generations_with_message(over)}
    return Read(ends, set(status), ended, replay.read_journals(ends))

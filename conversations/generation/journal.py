"""Group commit: one transaction per process writes what all running answers added, renews leases and reads stop
flags; one more ends the finished ones. At most `JOURNAL_INTERVAL` after the first unwritten event.

Here is when that happens; `journal_writer` has what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chatsite import metrics
from chatsite.database_thread import DatabaseThread

from ..actions.outcome import Outcome
from ..live import doorbell
from .answer import Answer, Ending
from .journal_writer import JournalWriter, relax_durability

logger = logging.getLogger(__name__)

# How often stop flags of other processes are read while an answer runs: half of the promised second.
_POLL_SECONDS = 0.5
# Finishes that fall together share a commit; not too many, since running answers wait for them.
_GATHER_SECONDS = 0.005
_FINISHES_TOGETHER = 50


@dataclass(slots=True)
class _Finish:
    answer: Answer
    outcome: Outcome
    stored: asyncio.Future[bool]


class Journal:
    """Waits and writes on a thread of its own: in a storm of sends every turn of the event loop takes long, and pages
    of other processes wait for what is written. Called in the event loop, as `cut` is.
    """

    def __init__(self, owner: str, cut: Callable[[Answer, Ending], None]) -> None:
        self._cut = cut
        self._loop = asyncio.get_running_loop()
        self._writer = JournalWriter(owner)
        self._thread = DatabaseThread("journal", relax_durability)
        # Of the next four, which the loop and the thread both use.
        self._lock = threading.Lock()
        self._prepared: set[uuid.UUID] = set()
        self._answers: dict[uuid.UUID, Answer] = {}
        self._finishes: list[_Finish] = []
        self._is_at_work = False
        # Unlocked: taken back before the logs are looked at, so at worst there is a flush too many.
        self._unwritten_since: float | None = None
        # When the event loop last had a turn.
        self._turn_at = 0.0
        self._wake = threading.Event()
        self._closing = threading.Event()

    def hold(self, generation: uuid.UUID) -> None:
        """Renew the lease of an answer whose request is still being prepared, until it is let go."""
        with self._lock:
            self._prepared.add(generation)
        self._take_turn()
        self._go_on()

    def let_go(self, generation: uuid.UUID) -> None:
        with self._lock:
            self._prepared.discard(generation)

    def add(self, answer: Answer) -> None:
        """Journal this answer from now on."""
        with self._lock:
            self._answers[answer.turn.generation] = answer
        answer.log.attach(self._mark)
        self._take_turn()
        self._mark()
        self._go_on()

    def discard(self, answer: Answer) -> None:
        with self._lock:
            self._answers.pop(answer.turn.generation, None)
        answer.log.detach(self._mark)

    @property
    def at_work_on(self) -> set[uuid.UUID]:
        """The answers whose leases are renewed here."""
        with self._lock:
            return self._prepared | self._answers.keys()

    async def finish(self, answer: Answer, outcome: Outcome) -> bool:
        """Store how the answer ended; False when somebody else had ended it before."""
        finish = _Finish(answer, outcome, self._loop.create_future())
        with self._lock:
            self._finishes.append(finish)
        self._wake.set()
        self._go_on()
        return await finish.stored

    async def close(self) -> None:
        with self._lock:
            self._closing.set()
        self._wake.set()
        await self._thread.close()

    def _mark(self) -> None:
        if self._unwritten_since is None:
            self._unwritten_since = time.monotonic()
            self._wake.set()

    def _take_turn(self) -> None:
        self._turn_at = time.monotonic()

    def _go_on(self) -> None:
        """Have the thread at work as long as there is some."""
        with self._lock:
            is_over = self._closing.is_set() or self._loop.is_closed()
            is_needed = bool(self._prepared or self._answers or self._finishes)
            if is_needed and not (self._is_at_work or is_over):
                self._thread.start(self._work)
                self._is_at_work = True

    # From here on in the thread.

    def _work(self) -> None:
        try:
            self._await_work()
            if not self._closing.is_set():
                self._thread.call(self._flush)
        except Exception:
            # The disk may be full or the database away: what is unwritten stays in the log and is tried again.
            logger.exception("The journal could not be written; trying again.")
            self._closing.wait(_POLL_SECONDS)
        finally:
            with self._lock:
                self._is_at_work = False
            self._go_on()

    def _await_work(self) -> None:
        """Wait until there is something to write, or to poll."""
        poll = time.monotonic() + _POLL_SECONDS
        while not (self._finishes or self._closing.is_set()):
            since = self._unwritten_since
            due = poll if since is None else since + settings.JOURNAL_INTERVAL
            if not self._wake.wait(max(due - time.monotonic(), 0)):
                return
            self._wake.clear()
        time.sleep(_GATHER_SECONDS)

    def _flush(self) -> None:
        # Before the logs are looked at: what comes from now on is marked anew.
        self._unwritten_since = None
        with self._lock:
            finishes = self._finishes[:_FINISHES_TOGETHER]
            del self._finishes[:_FINISHES_TOGETHER]
            running, prepared = dict(self._answers), set(self._prepared)
        ended = {finish.outcome.generation for finish in finishes}
        if not doorbell.is_connected():
            # Only where other processes mirror the journal do the last rows of an answer matter.
            for generation in ended:
                running.pop(generation, None)
        # An event loop that stands still is as good as a process that died: others may end its answers.
        is_alive = time.monotonic() - self._turn_at < settings.LEASE_SECONDS
        self._tell(self._take_turn)
        try:
            with metrics.journal.time():
                flushed = self._writer.write(list(running.values()), prepared, may_renew=is_alive)
                stored = self._writer.end([(finish.answer, finish.outcome) for finish in finishes])
                kept = stored | running.keys()
                # Refused by the database: who ends it later needs to have all that was shown.
                self._writer.write([one.answer for one in finishes if one.outcome.generation not in kept])
        except Exception:
            # Nothing that was shown is given up: an answer stays unfinished until it can be stored.
            with self._lock:
                self._finishes[:0] = finishes
            self._mark()
            raise
        for generations, ending in ((flushed.lost, Ending.LOST), (flushed.stop_requested, Ending.STOP)):
            for generation in generations - ended - prepared:
                self._tell(self._cut, running[generation], ending)
        with self._lock:
            for generation in ended:
                self._answers.pop(generation, None)
        for finish in finishes:
            self._tell(self._end, finish, finish.outcome.generation in stored)

    def _end(self, finish: _Finish, is_stored: bool) -> None:
        """In the event loop."""
        self.discard(finish.answer)
        if not finish.stored.done():
            finish.stored.set_result(is_stored)

    def _tell(self, function: Callable[..., None], *arguments: Any) -> None:
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)

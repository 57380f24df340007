"""Group commit: one transaction per process writes what all running answers added, ends the finished ones,
renews leases and reads stop flags. At most `JOURNAL_INTERVAL` after the first unwritten event.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from chatsite import metrics
from chatsite.database_thread import DatabaseThread

from ..actions import answers, journal
from ..actions.outcome import Outcome
from ..live import doorbell
from ..live.frames import journal_text
from .answer import Answer, Ending

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
    """Owned by the event loop; its writes run on a thread of their own, so that they never wait for a request."""

    def __init__(self, owner: str, cut: Callable[[Answer, Ending], None]) -> None:
        self._owner = owner
        self._cut = cut
        self._answers: dict[object, Answer] = {}
        self._finishes: list[_Finish] = []
        self._wake = asyncio.Event()
        self._unwritten_since: float | None = None
        self._unsure = False
        self._renewed = -math.inf
        self._thread = DatabaseThread("journal", _relax_durability)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def add(self, answer: Answer) -> None:
        """Journal this answer from now on."""
        self._answers[answer.turn.generation] = answer
        answer.log.attach(self._mark)
        # The first flush of an answer takes its lease further and calls it running.
        self._renewed = -math.inf
        self._mark()

    def discard(self, answer: Answer) -> None:
        self._answers.pop(answer.turn.generation, None)
        answer.log.detach(self._mark)

    async def finish(self, answer: Answer, outcome: Outcome) -> bool:
        """Store how the answer ended; False when somebody else had ended it before."""
        finish = _Finish(answer, outcome, asyncio.get_running_loop().create_future())
        self._finishes.append(finish)
        self._wake.set()
        return await finish.stored

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._thread.close()

    def _mark(self) -> None:
        if self._unwritten_since is None:
            self._unwritten_since = time.monotonic()
            self._wake.set()

    async def _run(self) -> None:
        while True:
            if not await self._due():
                continue
            try:
                await self._flush()
            except Exception:
                # The disk may be full or the database away: what is unwritten stays in the log and is tried again.
                logger.exception("The journal could not be written; trying again.")
                await asyncio.sleep(_POLL_SECONDS)

    async def _due(self) -> bool:
        """Wait until there is something to write, or to poll; False after an idle wait."""
        timeout = _POLL_SECONDS if self._answers else None
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return bool(self._answers)
        self._wake.clear()
        while not self._finishes and self._unwritten_since is not None:
            remaining = self._unwritten_since + settings.JOURNAL_INTERVAL - time.monotonic()
            if remaining <= 0:
                break
            try:
                async with asyncio.timeout(remaining):
                    await self._wake.wait()
                self._wake.clear()
            except TimeoutError:
                break
        if self._finishes:
            await asyncio.sleep(_GATHER_SECONDS)
        return bool(self._finishes or self._answers)

    async def _flush(self) -> None:
        self._unwritten_since = None
        finishes, self._finishes = self._finishes[:_FINISHES_TOGETHER], self._finishes[_FINISHES_TOGETHER:]
        if self._finishes:
            self._wake.set()
        for finish in finishes:
            # Only where other processes mirror the journal do its last rows matter.
            if not doorbell.is_connected():
                self.discard(finish.answer)
        ended = {finish.outcome.generation for finish in finishes}
        try:
            with metrics.journal.time():
                await self._write_running(ended)
                await self._store(finishes)
        except Exception:
            # Nothing that was shown is given up: an answer stays unfinished until it can be stored.
            self._finishes = [finish for finish in finishes if not finish.stored.done()] + self._finishes
            self._wake.set()
            raise

    async def _write_running(self, ended: set[uuid.UUID]) -> None:
        """What the running answers have added; those that others have stopped or ended are cut."""
        running = list(self._answers.values())
        if not running:
            return
        spans = [(answer, answer.journalled, answer.log.seq) for answer in running]
        now = time.monotonic()
        renew = now - self._renewed > settings.LEASE_SECONDS / 5
        if renew:
            # Said before the write: an answer that is added meanwhile takes it back.
            self._renewed = now
        try:
            flushed = await self._thread.run(self._write, spans, renew)
        except Exception:
            # Some of it may be there: the next flush asks before it writes, or text would be there twice.
            self._unsure = True
            self._renewed = -math.inf
            raise
        self._unsure = False
        for answer, _, upto in spans:
            answer.journalled = upto
        for answer in running:
            if answer.turn.generation in ended:
                continue
            if answer.turn.generation in flushed.lost:
                self._cut(answer, Ending.LOST)
            elif answer.turn.generation in flushed.stop_requested:
                self._cut(answer, Ending.STOP)

    async def _store(self, finishes: list[_Finish]) -> None:
        if not finishes:
            return
        outcomes = [finish.outcome for finish in finishes]
        stored = await self._thread.run(answers.finish, outcomes, self._owner)
        _ring(finish.answer for finish in finishes)
        kept = {outcome.generation for outcome in stored}
        for finish in finishes:
            self.discard(finish.answer)
            if not finish.stored.done():
                finish.stored.set_result(finish.outcome.generation in kept)

    def _write(self, spans: list[tuple[Answer, int, int]], renew: bool) -> journal.Flushed:
        """On the journal's thread: merge, encode, commit, ring."""
        if self._unsure:
            ends = journal.ends([answer.turn.generation for answer, _, _ in spans])
            spans = [(answer, ends.get(answer.turn.generation, 0), upto) for answer, _, upto in spans]
        entries = [
            journal.Entry(answer.turn.generation, after + 1, upto, journal_text(answer.log, after, upto))
            for answer, after, upto in spans
            if upto > after
        ]
        running = [answer.turn.generation for answer, _, _ in spans]
        flushed = journal.flush(entries, running, self._owner, renew=renew)
        _ring(answer for answer, after, upto in spans if upto > after)
        return flushed


def _ring(changed: Iterable[Answer]) -> None:
    turns = [answer.turn for answer in changed] if doorbell.is_connected() else []
    if turns:
        doorbell.ring({"answers": [[str(t.generation), str(t.message), str(t.conversation)] for t in turns]})


def _relax_durability() -> None:
    # The journal promises 500 ms, not every commit; a send has its own connection with synchronous=FULL.
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")

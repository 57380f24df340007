"""Which job the render service does next. No threads and no clock of its own: the service holds the lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .jobs import Job, TailJob

LIVE_SHARE = 0.1
"""Part of one core that live renders may use in the long run."""

LIVE_BURST = 0.1
"""Seconds of CPU they may use at once after a quiet while."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job and the future its caller holds."""

    job: Job
    future: Future[Any]

    @property
    def live(self) -> bool:
        """A render of text still being written, which may wait."""
        return isinstance(self.job, TailJob) and not self.job.final


class WaitingJobs:
    """Final and page renders first, in order; live ones after them, within their share of CPU."""

    def __init__(self) -> None:
        self._urgent: deque[Ticket] = deque()
        self._live: dict[Hashable, Ticket] = {}
        self._credit = LIVE_BURST
        self._credited_at = 0.0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._live)

    def add(self, ticket: Ticket) -> None:
        """Queue a job; a waiting live job with the same key is cancelled."""
        job = ticket.job
        if isinstance(job, TailJob):
            older = self._live.get(job.key) if not job.final else self._live.pop(job.key, None)
            if older is not None:
                older.future.cancel()
        if ticket.live:
            assert isinstance(job, TailJob)
            self._live[job.key] = ticket
        else:
            self._urgent.append(ticket)

    def take(self, now: float) -> Ticket | None:
        """Return the job to do now, if there is one; `now` is in seconds of a monotonic clock."""
        if self._urgent:
            return self._urgent.popleft()
        if self._live and self._wait(now) <= 0:
            return self._live.pop(next(iter(self._live)))
        return None

    def ready_in(self, now: float) -> float | None:
        """Seconds until `take` will return a job, `None` if none waits."""
        if self._urgent:
            return 0.0
        return max(0.0, self._wait(now)) if self._live else None

    def spent(self, ticket: Ticket, seconds: float) -> None:
        """Book the CPU that a job took."""
        if ticket.live:
            self._credit -= seconds

    def drain(self) -> list[Ticket]:
        """Empty the queue and return what was in it."""
        tickets = [*self._urgent, *self._live.values()]
        self._urgent.clear()
        self._live.clear()
        return tickets

    def _wait(self, now: float) -> float:
        self._credit = min(LIVE_BURST, self._credit + (now - self._credited_at) * LIVE_SHARE)
        self._credited_at = now
        return -self._credit / LIVE_SHARE

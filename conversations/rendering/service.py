"""The render service: everything that makes HTML on a running server goes through one of these.

A thread feeds one child process, which can be killed: whatever a text does to a parser, the server goes on.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from concurrent.futures import Future
from typing import Any, overload

from . import jobs
from .cache import RenderedCache
from .jobs import DocumentJob, Job, TailJob
from .plain import plain_blocks
from .process import WorkerGone, WorkerProcess
from .segment import Segment
from .waiting import Ticket, WaitingJobs

IDLE_SECONDS = 60.0
"""The process ends after this long without a job."""

WALL_SECONDS = 5.0
"""Time for one job until the process is killed. It limits its own CPU far below; this is for a stuck one."""

logger = logging.getLogger(__name__)


class RenderService:
    """Renders in a child process, started at the first job, ended when idle, restarted after a crash.

    `submit` may be called from any thread and from an event loop (wrap the future with
    `asyncio.wrap_future`); it never blocks. A job never fails: what cannot be rendered comes back as plain
    text, or as `None` for a tail.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS, wall_seconds: float = WALL_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._wall_seconds = wall_seconds
        self._changed = threading.Condition()
        self._waiting = WaitingJobs()
        self._cache = RenderedCache()
        self._thread: threading.Thread | None = None
        self._worker: WorkerProcess | None = None
        self._closed = False

    @overload
    def submit(self, job: DocumentJob) -> Future[list[str]]: ...
    @overload
    def submit(self, job: TailJob) -> Future[Segment | None]: ...
    def submit(self, job: Job) -> Future[Any]:
        """Queue `job` and return the future of its result; once the service is closed, a cancelled future."""
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
                return future
            if isinstance(job, DocumentJob) and (known := self._cache.get(job.text)) is not None:
                future.set_result(known)
                return future
            self._waiting.add(Ticket(job, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="render-service", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            else:
                self._changed.notify()
        return future

    def remember(self, text: str, blocks: list[str]) -> None:
        """Keep the blocks of a text that was rendered piece by piece for whoever opens it next."""
        with self._changed:
            self._cache.put(text, blocks)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the child, `None` while there is none."""
        worker = self._worker
        return worker.pid if worker else None

    def close(self) -> None:
        """End the child and the thread; waiting jobs are cancelled. May be called twice."""
        with self._changed:
            self._closed = True
            for ticket in self._waiting.drain():
                ticket.future.cancel()
            self._changed.notify()
            thread, worker = self._thread, self._worker
        if worker:
            worker.interrupt()
        if thread:
            thread.join()
        atexit.unregister(self.close)

    def _run(self) -> None:
        try:
            while ticket := self._next():
                if ticket.future.set_running_or_notify_cancel():
                    ticket.future.set_result(self._render(ticket))
                # Or it stays, with the answer behind it, until there is another.
                del ticket
        finally:
            self._drop_worker()

    def _next(self) -> Ticket | None:
        """Wait for a job that may start; `None` ends the thread."""
        idle_at = time.monotonic() + self._idle_seconds
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if ticket := self._waiting.take(now):
                    return ticket
                pause = self._waiting.ready_in(now)
                if pause is None and now >= idle_at:
                    break
                self._changed.wait(idle_at - now if pause is None else pause)
            # Under the lock, so that a job submitted from here on starts a new thread.
            self._thread = None
            return None

    def _render(self, ticket: Ticket) -> Any:
        job = ticket.job
        reply = self._ask(ticket)
        if isinstance(job, DocumentJob):
            blocks: list[str] = reply["html"] if reply else plain_blocks(job.text)
            self.remember(job.text, blocks)
            return blocks
        return Segment(**reply["segment"]) if reply and reply["segment"] else None

    def _ask(self, ticket: Ticket) -> dict[str, Any] | None:
        """Return the worker's reply, or `None` if the job killed it or it cannot be started."""
        for _attempt in range(2):
            start = time.monotonic()
            try:
                if self._worker is None:
                    self._worker = WorkerProcess()
                reply = self._worker.ask(jobs.request(ticket.job), self._wall_seconds)
            except WorkerGone as gone:
                self._drop_worker()
                self._book(ticket, time.monotonic() - start)
                if gone.guilty or self._closed:
                    return None
            except OSError:
                logger.warning("The render process cannot be started; texts are shown plain.", exc_info=True)
                return None
            except Exception:
                # A fault of our own costs this text its format; it must not end the thread, for which all wait.
                logger.exception("The render process could not be asked; the text is shown plain.")
                self._drop_worker()
                return None
            else:
                self._book(ticket, reply["cpu"])
                return reply
        return None

    def _book(self, ticket: Ticket, seconds: float) -> None:
        with self._changed:
            self._waiting.spent(ticket, seconds)

    def _drop_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            worker.kill()

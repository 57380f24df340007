"""Threads that last, for synchronous work called from the event loop. `threads` says how many there are for what."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar, cast

from asgiref.sync import sync_to_async

P = ParamSpec("P")
R = TypeVar("R")

_here = threading.local()


class Worker:
    """One thread and the number of calls that wait for it or run in it."""

    def __init__(self, name: str) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self.waiting = 0

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result from this thread; `async_to_sync` inside it finds the server's loop."""
        self.waiting += 1
        try:
            return await _run_in(self.executor, function, *args, **kwargs)
        finally:
            self.waiting -= 1


class ThreadPool(Executor):
    """A fixed set of threads that take calls in their order. The next call begins when the one before is over or has
    run for `patience` seconds, and a thread is idle.

    Threads of one Python only take turns at it, so in a storm of quick requests each more would make all others, and
    the event loop, wait longer for their turn.
    """

    def __init__(self, count: int, name: str, patience: float = 0.0) -> None:
        self._patience = patience
        self._idle = [Worker(f"{name}-{number}") for number in range(max(count, 1))]
        self._lock = threading.Lock()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        # Who has begun a call last, while it is at it, and when that was.
        self._front: Worker | None = None
        self._began = 0.0
        # When the timer that looks again is due; it may have gone with its loop.
        self._looks_at = 0.0

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> tuple[R, Worker]:
        """The function's result, and the worker to go to with all that belongs to it."""

        def call() -> tuple[R, Worker]:
            return function(*args, **kwargs), _here.worker

        return await _run_in(self, call)

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Called by the event loop, in it."""
        future: Future[R] = Future()
        self._calls.append((future, functools.partial(function, *args, **kwargs)))
        self._look()
        return future

    def _look(self) -> None:
        """Wake a thread for the next call if it is its turn, and else look again when it may be."""
        now = time.monotonic()
        with self._lock:
            if self._calls and self._idle and not self._front_is_quick():
                worker = min(self._idle, key=lambda worker: worker.waiting)
                self._idle.remove(worker)
                self._front, self._began = worker, now
                worker.executor.submit(self._work, worker)
            # Without patience an idle thread has been woken, and else the first that is idle takes it.
            again = self._patience > 0 and bool(self._calls) and now > self._looks_at
        if again:
            self._looks_at = now + self._patience
            asyncio.get_running_loop().call_later(self._patience, self._look_again)

    def _look_again(self) -> None:
        self._looks_at = 0.0
        self._look()

    def _work(self, worker: Worker) -> None:
        _here.worker = worker
        while (call := self._next(worker)) is not None:
            future, function = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = function()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            # Nobody keeps what belongs to a request that is over.
            del call, future, function

    def _next(self, worker: Worker) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._lock:
            if self._front is worker:
                self._front = None
            if not self._calls or self._front_is_quick():
                self._idle.append(worker)
                return None
            self._front, self._began = worker, time.monotonic()
            return self._calls.popleft()

    def _front_is_quick(self) -> bool:
        return self._front is not None and time.monotonic() - self._began < self._patience


async def _run_in(executor: Executor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    # Not thread-sensitive: that context would be inherited by tasks which outlive the request.
    # Any executor will do, whatever the signature says.
    threads = cast(ThreadPoolExecutor, executor)
    return await sync_to_async(function, thread_sensitive=False, executor=threads)(*args, **kwargs)

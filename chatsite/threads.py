"""A few long-lived threads for synchronous work, each with a lasting database connection. Used by `asgi` and
`sockets`.

Django's own ASGI handler makes a thread and a connection for every request; a storm of sends would pay for
both.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")


class Worker:
    """One thread and the number of calls that wait for it or run in it."""

    def __init__(self, name: str) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self.waiting = 0

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result from this thread; `async_to_sync` inside it finds the server's loop."""
        self.waiting += 1
        try:
            # Not thread-sensitive: that context would be inherited by tasks which outlive the request.
            return await sync_to_async(function, thread_sensitive=False, executor=self.executor)(
                *args, **kwargs
            )
        finally:
            self.waiting -= 1


class Workers:
    """The fixed set; a caller takes the one with the least to do and keeps it for its request."""

    def __init__(self, count: int, name: str = "request") -> None:
        self._workers = [Worker(f"{name}-{number}") for number in range(max(count, 1))]

    def least_busy(self) -> Worker:
        return min(self._workers, key=lambda worker: worker.waiting)


@cache
def workers() -> Workers:
    """The workers of this process."""
    return Workers(settings.REQUEST_THREADS)


@cache
def upload_workers() -> Workers:
    """Those for uploads, which wait for child processes: no page stands in line behind a picture."""
    return Workers(settings.ATTACHMENT_CHILDREN, "upload")


@cache
def socket_workers() -> Workers:
    """The one that lets websockets in: who has sent something does not wait behind everybody else's sends."""
    return Workers(1, "socket")


async def run_with_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Database work for a websocket, outside a request: broken or aged connections go, good ones stay."""

    def call() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await socket_workers().least_busy().run(call)

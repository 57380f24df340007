"""A few long-lived threads for synchronous work, each with a lasting database connection. Used by `handler`
and `sockets`.

Django's own ASGI handler makes a thread and a connection for every request; a storm of sends would pay for
both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections

from .thread_pools import ThreadPool, Worker

P = ParamSpec("P")
R = TypeVar("R")


# A request that takes longer no longer keeps the next one from beginning; a send alone takes 10 ms. The longer, the
# smoother running answers are in a storm of sends, and the longer a quick request waits behind a slow one.
PATIENCE_SECONDS = 0.015


@cache
def request_threads() -> ThreadPool:
    """Those of this process for its pages."""
    return ThreadPool(settings.REQUEST_THREADS, "request", PATIENCE_SECONDS)


@cache
def upload_threads() -> ThreadPool:
    """Those for uploads, which wait for child processes: no page stands in line behind a picture."""
    return ThreadPool(settings.ATTACHMENT_CHILDREN, "upload")


@cache
def socket_thread() -> Worker:
    """The one that lets websockets in: who has sent something does not wait behind everybody else's sends."""
    return Worker("socket")


async def run_with_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Database work for a websocket, outside a request: broken or aged connections go, good ones stay."""

    def call() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await socket_thread().run(call)

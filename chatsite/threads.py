"""A few long-lived threads for synchronous work, each with a lasting database connection. Used by `asgi` and
`sockets`.

Django's own ASGI handler makes a thread and a connection for every request; a storm of sends would pay for
both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections

from .thread_pools import OneByOne, Worker, Workers

P = ParamSpec("P")
R = TypeVar("R")


@cache
def workers() -> OneByOne:
    """The workers of this process."""
    return OneByOne(settings.REQUEST_THREADS, "request")


@cache
def upload_workers() -> Workers:
    """Those for uploads, which wait for child processes: no page stands in line behind a picture."""
    return Workers(settings.ATTACHMENT_CHILDREN, "upload")


@cache
def socket_worker() -> Worker:
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

    return await socket_worker().run(call)

"""A thread of its own for database work that never stands in line with requests. Used by the engine's journal and by
the mirrors of answers that another process works on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, close_old_connections, connection, connections

P = ParamSpec("P")
R = TypeVar("R")

# A connection that has just worked is not asked whether it works: on PostgreSQL that is a turn more for every use.
FRESH_SECONDS = 5.0
_CLOSE_SECONDS = 2.0


class DatabaseThread:
    """Keeps one connection while it is in use: after a pause or a failure it is looked at before it is used again."""

    def __init__(self, name: str, prepare: Callable[[], None] | None = None) -> None:
        """`prepare` is called on every new connection before it is used."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._prepare = prepare
        self._used = 0.0

    def submit(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """From any thread; calls run one after the other."""
        return self._executor.submit(self._call, function, *args, **kwargs)  # type: ignore[arg-type]

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.wrap_future(self.submit(function, *args, **kwargs))

    async def close(self) -> None:
        """The thread's connection goes (back to the pool) before the thread ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.wrap_future(self._executor.submit(connections.close_all))
        self._executor.shutdown(wait=False)

    def _call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if time.monotonic() - self._used > FRESH_SECONDS:
            close_old_connections()
        try:
            if self._prepare is not None and connection.connection is None:
                self._prepare()
            result = function(*args, **kwargs)
        except Error:
            self._used = 0.0
            raise
        self._used = time.monotonic()
        return result

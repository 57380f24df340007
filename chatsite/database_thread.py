"""A thread of its own for database work that never stands in line with requests. Used by the engine's journal and by
the mirrors of answers that another process works on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
        """`prepare` is called before the first use of a connection."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._prepare = prepare
        self._used = 0.0

    def start(self, work: Callable[[], None]) -> None:
        """From any thread: have this done in the thread, after what was started before. Nobody hears what it raises.
        Raises RuntimeError when the machine gives no thread, or after `close`.
        """
        self._executor.submit(work)

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """In the thread: work on the database. Raises what that raises, and what opening a connection does."""
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

    async def close(self) -> None:
        """The thread's connection goes (back to the pool) before the thread ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.wrap_future(self._executor.submit(connections.close_all))
        self._executor.shutdown(wait=False)

"""The site's event loop in a thread of this process, with the real engine in it. Everything that tests open in it is
driven from the outside with ordinary calls.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

from conversations.generation import supervisor as engine
from conversations.generation.answer import Ending
from conversations.live.hub import hub
from tests import patience

T = TypeVar("T")


class EngineLoop:
    """A context manager. `run` runs a coroutine in the loop and returns its result."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        # The loop itself keeps no task alive.
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self.loop.run_forever, name="engine-loop", daemon=True)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(patience.SECONDS)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a task that lives until it ends by itself or the loop does."""

        async def begin() -> None:
            task = asyncio.get_running_loop().create_task(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self.run(begin())

    def __enter__(self) -> EngineLoop:
        self._thread.start()
        self.run(self._attach())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self._end())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(patience.SECONDS)
            self.loop.close()

    async def _attach(self) -> None:
        engine.attach()

    async def _end(self) -> None:
        """Ends what runs, as a server does, and leaves the process as it was before."""
        supervisor = engine.supervisor
        # A task that is cancelled in the very moment of its connection leaves the socket to the garbage collector.
        titles = [task for task in supervisor._tasks if task.get_coro().__qualname__ == "give_title"]  # type: ignore[union-attr]
        if titles:
            await asyncio.wait(titles, timeout=5)
        if any(not answer.log.events for answer in supervisor._answers.values()):
            await asyncio.sleep(0.02)
        for generation in list(supervisor._answers):
            supervisor.cut(generation, Ending.STOP)
        await supervisor.drain(5)
        supervisor.draining = False
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await sync_to_async(connections.close_all)()
        await self.loop.shutdown_asyncgens()
        # Connections that were just aborted close in the loop's next rounds.
        for _ in range(5):
            await asyncio.sleep(0)
        hub.loop = None
        hub.logs.clear()

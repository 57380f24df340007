"""The bell between processes: "answer G has reached seq N", "this happened". No text of an answer goes through it.

With one process (no REDIS_URL) nothing is rung. A ring that gets lost costs only liveness: the truth is in the
database, and whoever opens or resumes reads it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from .hub import hub

Rings = list[dict[str, Any]]

logger = logging.getLogger(__name__)

GROUP = "doorbell"
BEAT_SECONDS = 1.0
# A busy second is no silence.
DEAF_SECONDS = 4.0
_RETRY_SECONDS = 1.0
_RING_SECONDS = 2.0
# Both directions are tried every second; that Redis is still away is said once a minute.
_SAY_SECONDS = 60.0
# What comes up so soon after a message goes out in one with the rest: each costs every process a millisecond.
_PAUSE_SECONDS = 0.01
_MAX_WAITING = 5000


def is_connected() -> bool:
    """Whether there are other processes to tell."""
    return bool(settings.REDIS_URL)


class Bell:
    """Rings and listens in a thread with an event loop of its own: a message takes several turns of a loop, and in a
    storm of sends those of the server's take long.

    `heard` gets the rings of other processes, in their order; `deaf_before` is called when some were lost, or may have
    been in a long silence. Both run in the bell's thread.
    """

    def __init__(self, heard: Callable[[Rings], None], deaf_before: Callable[[], None]) -> None:
        self._heard = heard
        self._deaf_before = deaf_before
        self._waiting: Rings = []
        self._ringing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._said_lost = -math.inf
        # How many rings of this process came up before the next message, those that nobody could be told included …
        self._rung = 0
        # … and how many of each other process, by what it said last.
        self._rung_elsewhere: dict[str, int] = {}
        self._telling: asyncio.TimerHandle | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, rings: Rings) -> None:
        """From any thread; after `close` nobody hears it."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ring_soon, rings)

    def close(self) -> None:
        """Returns when what was rung before is out, or after two seconds."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(_RING_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]
        await self._closing.wait()
        if self._ringing is not None:
            await self._ringing
        for task in tasks:
            task.cancel()
        # Each unsubscribes, and must not be interrupted in it by the end of the loop.
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ring_soon(self, rings: Rings) -> None:
        if len(self._waiting) + len(rings) > _MAX_WAITING:
            # Redis does not take them; the others find that they have missed some.
            self._rung += len(rings)
            return
        self._waiting.extend(rings)
        if self._ringing is None or self._ringing.done():
            self._ringing = self._loop.create_task(self._ring_waiting())

    async def _ring_waiting(self) -> None:
        """One message for all that came up while the one before was under way."""
        while self._waiting:
            rings = self._waiting[:]
            self._waiting.clear()
            await self._ring(rings)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _ring(self, rings: Rings) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        message = {
            "type": "doorbell",
            "from": hub.process,
            "before": self._rung,
            "payload": {"rings": rings},
        }
        self._rung += len(rings)
        try:
            async with asyncio.timeout(_RING_SECONDS):
                await layer.group_send(GROUP, message)
        except Exception as error:
            self._lost(error)

    async def _beat(self) -> None:
        while True:
            await self._ring([])
            await asyncio.sleep(BEAT_SECONDS)

    async def _listen(self) -> None:
        """Hears for ever; a broken connection is tried again.

        Redis comes back silently, so each process also rings for itself: when it hears itself again after a silence,
        rings of others may have been lost, also of one that has ended since. What was lost in a shorter one, or on the
        way to Redis, shows in the counts.
        """
        last = time.monotonic()
        while True:
            try:
                async for message in _messages():
                    if message.get("from") != hub.process:
                        self._hear(message)
                        continue
                    now = time.monotonic()
                    if now - last > DEAF_SECONDS:
                        self._missed()
                    last = now
                return
            except Exception as error:
                self._lost(error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _lost(self, error: Exception) -> None:
        if time.monotonic() - self._said_lost >= _SAY_SECONDS:
            self._said_lost = time.monotonic()
            logger.warning("News through Redis is interrupted (%s); trying again.", type(error).__name__)

    def _missed(self) -> None:
        """Told a beat later: by then every other process has been heard again, and pages come again once."""
        if self._telling is None:
            self._telling = self._loop.call_later(BEAT_SECONDS, self._tell_missed)

    def _tell_missed(self) -> None:
        self._telling = None
        self._said_lost = -math.inf
        logger.warning("News through Redis comes again; every page asks for what it has missed.")
        self._deaf_before()

    def _hear(self, message: dict[str, Any]) -> None:
        try:
            rings = message["payload"]["rings"]
            self._count(message["from"], message.get("before"), len(rings))
            self._heard(rings)
        except Exception as error:
            # Of another version, perhaps, while a new one is rolled out.
            logger.warning("News from another process cannot be read (%s).", type(error).__name__)

    def _count(self, process: str, before: int | None, rings: int) -> None:
        if before is None:
            # Of the version before this one, while a new one is rolled out.
            return
        expected = self._rung_elsewhere.get(process, before)
        self._rung_elsewhere[process] = before + rings
        if before > expected:
            self._missed()


_bell: Bell | None = None


def open_bell(heard: Callable[[Rings], None], deaf_before: Callable[[], None]) -> None:
    """This process rings and listens from now on (see `Bell`); the engine's loop has been attached to the hub."""
    global _bell
    close_bell()
    _bell = Bell(heard, deaf_before)


def close_bell() -> None:
    """Blocks for what is on its way, two seconds at most."""
    global _bell
    bell, _bell = _bell, None
    if bell is not None:
        bell.close()


def ring(*rings: dict[str, Any]) -> None:
    """Tell the other processes; from any thread, never waiting and never failing the caller."""
    bell = _bell
    if bell is not None:
        bell.ring(list(rings))


async def _messages() -> AsyncIterator[dict[str, Any]]:
    """Rings as they come; ends where there is no layer. Raises what Redis raises."""
    layer = get_channel_layer()
    if layer is None:
        return
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    while True:
        yield await layer.receive(channel)

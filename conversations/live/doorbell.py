"""The bell between processes: "answer G has reached seq N", "this happened". No text of an answer goes through it.

With one process (no REDIS_URL) nothing is rung. A ring that gets lost costs only liveness: the truth is in the
database, and whoever opens or resumes reads it there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from .hub import hub

logger = logging.getLogger(__name__)

GROUP = "doorbell"
BEAT_SECONDS = 1.0
# A busy second is no silence.
DEAF_SECONDS = 4.0
_RETRY_SECONDS = 1.0
_RING_SECONDS = 2.0
_MAX_WAITING = 5000
_waiting: list[dict[str, Any]] = []
_ringing: asyncio.Task[None] | None = None


def is_connected() -> bool:
    """Whether there are other processes to tell."""
    return bool(settings.REDIS_URL)


def ring(*payloads: dict[str, Any]) -> None:
    """Tell the other processes; from any thread, never waiting and never failing the caller."""
    if is_connected():
        hub.call(_ring_soon, payloads)


def _ring_soon(payloads: tuple[dict[str, Any], ...]) -> None:
    global _ringing
    if len(_waiting) + len(payloads) > _MAX_WAITING:
        # Redis does not take them; whoever missed a ring looks for itself after a while.
        return
    _waiting.extend(payloads)
    if _ringing is None or _ringing.done():
        _ringing = asyncio.get_running_loop().create_task(_ring_waiting())


async def _ring_waiting() -> None:
    """One message for all that came up while the one before was under way: a message costs several turns of a loop,
    and in a storm of sends these take long.
    """
    while _waiting:
        rings = _waiting[:]
        _waiting.clear()
        await _ring(rings)


async def _ring(rings: list[dict[str, Any]]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "doorbell", "from": hub.process, "payload": {"rings": rings}}
    try:
        async with asyncio.timeout(_RING_SECONDS):
            await layer.group_send(GROUP, message)
    except Exception as error:
        logger.warning("The doorbell could not be rung: %s", type(error).__name__)


async def listen(heard: Callable[[dict[str, Any]], None], deaf_before: Callable[[], None]) -> None:
    """Hand every ring of another process to `heard`, for ever; a broken connection is tried again.

    Redis comes back silently, so each process also rings for itself: `deaf_before` is called when it hears itself
    again after a silence in which rings of others may have been lost.
    """
    beating = asyncio.get_running_loop().create_task(_beat())
    try:
        last = time.monotonic()
        while True:
            try:
                async for message in _messages():
                    if message.get("from") != hub.process:
                        for payload in message["payload"]["rings"]:
                            heard(payload)
                        continue
                    now = time.monotonic()
                    if now - last > DEAF_SECONDS:
                        deaf_before()
                    last = now
                return
            except asyncio.CancelledError:
                raise
            except Exception as error:
                logger.warning("The doorbell is out of reach (%s); trying again.", type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)
    finally:
        beating.cancel()


async def _messages() -> AsyncIterator[dict[str, Any]]:
    """Rings as they come; ends where there is no layer. Raises what Redis raises."""
    layer = get_channel_layer()
    if layer is None:
        return
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    while True:
        yield await layer.receive(channel)


async def _beat() -> None:
    while True:
        await _ring([])
        await asyncio.sleep(BEAT_SECONDS)

"""The client: sends a request, retries what may be retried before the first word, yields typed events. The engine has
one per process; nothing is pooled, so there is nothing to close.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from .accumulator import Accumulator
from .endpoint import Endpoint
from .error_bodies import too_large
from .errors import UpstreamError
from .events import ContentBlockStart, Event, MessageDelta, MessageStop
from .exchange import Exchange
from .json_values import storable
from .limits import Limits
from .reply import Reply
from .request import MessageRequest
from .request_body import body
from .retry_after import pause_before_retry
from .sending import send
from .transport import DirectTransport, ssl_context

# With the first of these an answer is shown as it comes, and is not asked for again.
_COMMITTING = (ContentBlockStart, MessageDelta, MessageStop)


@dataclass(frozen=True, slots=True)
class Wait:
    """News before a retry: when it will come (epoch seconds) and what went wrong."""

    retry_at: float
    error: UpstreamError


class UpstreamClient:
    """Talks to every endpoint of the process. `ignored` counts what streams contained beyond the protocol
    (promises row 29).
    """

    def __init__(self, limits: Limits | None = None, *, demo_drip: float | None = None) -> None:
        self.limits = limits or Limits()
        self.ignored: Counter[str] = Counter()
        self._direct = DirectTransport()
        self._demo: httpx.AsyncBaseTransport | None = None
        self._demo_drip = demo_drip
        ssl_context()  # takes milliseconds: better now than in the first request

    async def stream(
        self,
        endpoint: Endpoint,
        request: MessageRequest,
        *,
        on_wait: Callable[[Wait], Awaitable[None]] | None = None,
        on_try: Callable[[], None] | None = None,
        on_answer: Callable[[str], None] | None = None,
    ) -> AsyncGenerator[list[Event], None]:
        """Yields the answer's events, one list per network read. `on_try` is called as each try begins, `on_answer`
        when the upstream begins to answer it, with the upstream's id for it.

        Nothing is yielded before the first content_block_start (or message_delta, or message_stop): until
        then failures that the fault table lets retry are retried, each after `on_wait`, whose time is part of
        the pause.
        Raises UpstreamError after everything that arrived has been yielded. Closing the iterator (use
        contextlib.aclosing) or cancelling its task closes the connection at once.
        """
        payload = self._payload(request, endpoint, stream=True)
        started = asyncio.get_running_loop().time()
        ends_at = started + self.limits.total
        failures: list[UpstreamError] = []
        while True:
            held: list[Event] = []
            committed = False
            exchange: Exchange | None = None
            if on_try is not None:
                on_try()
            try:
                exchange = await self._exchange(endpoint, payload, ends_at)
                if on_answer is not None:
                    on_answer(exchange.request_id)
                while (events := await exchange.read()) is not None:
                    if not committed:
                        held += events
                        committed = exchange.content_started = any(
                            isinstance(event, _COMMITTING) for event in events
                        )
                        if not committed:
                            continue
                        events, held = held, []
                    if events:
                        yield events
                        exchange.resumed()
                return
            except UpstreamError as error:
                pause = None if committed else self._pause(error, failures, started)
                if pause is None:
                    if held:
                        yield held
                    if not committed:
                        error.nothing_arrived()
                    raise
                failures.append(error)
            finally:
                if exchange is not None:
                    await exchange.aclose()
            await _rest(pause, failures[-1], on_wait)

    async def create(
        self,
        endpoint: Endpoint,
        request: MessageRequest,
        *,
        on_wait: Callable[[Wait], Awaitable[None]] | None = None,
    ) -> Reply:
        """One whole answer without streaming, for short calls such as titles. Raises UpstreamError; retries as
        `stream` does, each after `on_wait`.
        """
        payload = self._payload(request, endpoint, stream=False)
        started = asyncio.get_running_loop().time()
        failures: list[UpstreamError] = []
        while True:
            exchange: Exchange | None = None
            try:
                exchange = await self._exchange(endpoint, payload, started + self.limits.total)
                return await _whole_reply(exchange)
            except UpstreamError as error:
                pause = self._pause(error, failures, started)
                if pause is None:
                    error.nothing_arrived()
                    raise
                failures.append(error)
            finally:
                if exchange is not None:
                    await exchange.aclose()
            await _rest(pause, failures[-1], on_wait)

    def _payload(self, request: MessageRequest, endpoint: Endpoint, *, stream: bool) -> bytes:
        """The body in bytes. Raises UpstreamError for one that the service would refuse: what files take was looked at
        before, but quotation marks and line ends take more in JSON.
        """
        payload = _encoded(body(request, endpoint, stream=stream))
        if len(payload) > self.limits.max_request_bytes and endpoint.dialect != "demo":
            raise UpstreamError("size", too_large(len(payload), self.limits.max_request_bytes))
        return payload

    def _pause(self, error: UpstreamError, before: list[UpstreamError], started: float) -> float | None:
        elapsed = asyncio.get_running_loop().time() - started
        alike = sum(one.type == error.type for one in before)
        return pause_before_retry(error, len(before), elapsed, self.limits, alike)

    async def _exchange(self, endpoint: Endpoint, payload: bytes, ends_at: float) -> Exchange:
        sent_at = asyncio.get_running_loop().time()
        response = await send(self._transport(endpoint), endpoint, payload, self.limits)
        return Exchange(response, endpoint, self.limits, self.ignored, sent_at=sent_at, ends_at=ends_at)

    def _transport(self, endpoint: Endpoint) -> httpx.AsyncBaseTransport:
        if endpoint.dialect != "demo":
            return self._direct
        if self._demo is None:
            # Brings Pillow, which a site with a provider does not need here.
            from .demo.transport import PACE, DemoTransport

            self._demo = DemoTransport(PACE if self._demo_drip is None else self._demo_drip)
        return self._demo


async def _rest(
    pause: float, failed: UpstreamError, on_wait: Callable[[Wait], Awaitable[None]] | None
) -> None:
    """The pause before a retry, told to whoever asked."""
    now = asyncio.get_running_loop().time
    ends = now() + pause
    if on_wait is not None:
        await on_wait(Wait(time.time() + pause, failed))
    await asyncio.sleep(max(0, ends - now()))


def _encoded(value: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(storable(value))


async def _whole_reply(exchange: Exchange) -> Reply:
    answer = Accumulator()
    while (events := await exchange.read()) is not None:
        answer.extend(events)
    return exchange.reply or Reply(
        answer.content,
        answer.usage,
        answer.meta,
        answer.stop_reason,
        answer.model,
        answer.message_id,
        request_id=exchange.request_id,
    )

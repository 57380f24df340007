"""One attempt at one request: from the response head to the last event, within its limits of time. Driven by the
client.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import httpx

from .body_reader import BodyReader
from .deltas import piece_text
from .endpoint import Endpoint
from .errors import UpstreamError, no_answer_message
from .events import ContentBlockDelta, Event
from .limits import Limits
from .moving_timeout import MovingTimeout
from .reply import Reply
from .sending import request_id_of
from .sse import EventTooLarge

# AI/ML API says what an answer cost in its last event, which may come after message_stop (messages-api 9.4).
_COST_SECONDS = 1.0


class Exchange:
    """Reads one response. `content_started` tells whether a block has begun: before it, silence is a timeout,
    after it a stall.
    """

    def __init__(
        self,
        response: httpx.Response,
        endpoint: Endpoint,
        limits: Limits,
        ignored: Counter[str],
        *,
        sent_at: float,
        ends_at: float,
    ) -> None:
        self.content_started = False
        self.request_id = request_id_of(response.headers)
        """The upstream's own handle for this request, for support."""
        self._response = response
        self._limits = limits
        self._ends_at = ends_at
        self._awaits_cost = endpoint.service.tells_cost_late
        self._progress_at = sent_at
        self._silence_from = sent_at
        self._silence = limits.first_byte
        self._limit = MovingTimeout()
        self._chunks: AsyncIterator[bytes] = aiter(response.stream)  # type: ignore[arg-type]
        self._body = BodyReader(limits, ignored, request_id=self.request_id, secrets=endpoint.secrets)

    @property
    def reply(self) -> Reply | None:
        """The whole answer, once it has come as one JSON object."""
        return self._body.reply

    async def read(self) -> list[Event] | None:
        """The events of the next network read, perhaps none; None after the last. Raises UpstreamError after
        the last good event.
        """
        body = self._body
        loop = asyncio.get_running_loop()
        try:
            if body.failure is not None:
                raise body.failure
            if body.ended:
                return await self._late_cost()
            self._limit.deadline = self._deadline()
            try:
                with self._limit:
                    chunk = await anext(self._chunks)
            except TimeoutError:
                raise self._timeout(loop.time()) from None
            except StopAsyncIteration:
                events = body.finish(self._response.headers)
            except httpx.TransportError as error:
                events = body.broken_off(type(error).__name__)
            else:
                self._silence_from = loop.time()
                self._silence = self._limits.silence
                events = body.feed(chunk)
        except UpstreamError as error:
            error.request_id = error.request_id or self.request_id
            raise
        if events:
            if any(map(_brings_something, events)):
                self._progress_at = self._silence_from
            if self._awaits_cost and any(event.meta for event in events):
                self._awaits_cost = False
        return events

    def resumed(self) -> None:
        """The reader has come back: the time that he held the events is not the upstream's silence."""
        now = asyncio.get_running_loop().time()
        self._progress_at += now - self._silence_from
        self._silence_from = now

    async def aclose(self) -> None:
        """Closes the connection at once."""
        self._limit.close()
        await self._response.stream.aclose()  # type: ignore[union-attr]

    async def _late_cost(self) -> list[Event] | None:
        """What a whole answer cost, where nothing has said it yet and it comes soon."""
        if not self._awaits_cost:
            return None
        self._awaits_cost = False
        with contextlib.suppress(TimeoutError, StopAsyncIteration, httpx.TransportError, EventTooLarge):
            async with asyncio.timeout(_COST_SECONDS):
                while True:
                    if events := self._body.late_events(await anext(self._chunks)):
                        return events
        return self._body.late_events(None) or None

    def _deadline(self) -> float:
        return min(
            self._silence_from + self._silence, self._progress_at + self._limits.progress, self._ends_at
        )

    def _timeout(self, now: float) -> UpstreamError:
        if now >= self._ends_at:
            minutes = self._limits.total / 60
            return UpstreamError(
                "timeout",
                f"The answer took more than {minutes:.3g} minutes and was ended. Press Continue for the rest.",
            )
        if self.content_started:
            return UpstreamError("stalled")
        only_pings = now >= self._progress_at + self._limits.progress
        return UpstreamError(
            "timeout", no_answer_message(self._limits.progress if only_pings else self._silence)
        )


def _brings_something(event: Event) -> bool:
    """Whether an event is progress (promises row 18): with pieces without text some servers keep the line alive."""
    return not isinstance(event, ContentBlockDelta) or piece_text(event.delta) != ""

"""One attempt at one request: from the response head to the last event, within its limits; driven by the client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import httpx

from .chat_decoder import ChatDecoder
from .decoder import MessagesDecoder
from .endpoint import Endpoint
from .errors import UpstreamError
from .events import Event
from .json_values import is_whole
from .limits import Limits
from .moving_timeout import MovingTimeout
from .reply import Reply
from .spoken import is_chat
from .sse import EventTooLarge, SSEParser
from .whole_reply import WholeReply

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
        self.reply: Reply | None = None
        self.content_started = False
        self._response = response
        self._limits = limits
        self._ignored = ignored
        self._secrets = endpoint.secrets
        self._ends_at = ends_at
        self._awaits_cost = endpoint.dialect == "aimlapi"
        self._progress_at = sent_at
        self._silence_from = sent_at
        self._silence = limits.first_byte
        self._limit = MovingTimeout()
        self._chunks: AsyncIterator[bytes] = aiter(response.stream)  # type: ignore[arg-type]
        self._sse = SSEParser(limits.max_event_bytes)
        self._decoder: MessagesDecoder | ChatDecoder | None = None
        self._is_chat: bool | None = None
        self._failure: UpstreamError | None = None
        self._ended = False
        self._whole: WholeReply | None = None
        self._sniffed = False

    @property
    def request_id(self) -> str:
        """The upstream's own handle for this request, for support."""
        headers = self._response.headers
        return (headers.get("request-id") or headers.get("x-inference-id") or "")[:200]

    async def read(self) -> list[Event] | None:
        """The events of the next network read, perhaps none; None after the last. Raises UpstreamError after
        the last good event.
        """
        if self._failure is not None:
            raise self._failure
        if self._ended:
            return await self._late_cost()
        loop = asyncio.get_running_loop()
        self._limit.deadline = self._deadline()
        try:
            with self._limit:
                chunk = await anext(self._chunks)
        except TimeoutError:
            raise self._timeout(loop.time()) from None
        except StopAsyncIteration:
            events = self._finish(self._sse.flush())
        except httpx.TransportError as error:
            events = self._broken_off(error)
        else:
            self._silence_from = loop.time()
            self._silence = self._limits.silence
            events = self._take(chunk)
        if events:
            self._progress_at = self._silence_from
        return events

    async def _late_cost(self) -> list[Event] | None:
        """What a whole answer cost, where nothing has said it yet and it comes soon."""
        if self._decoder is None or not self._awaits_cost:
            return None
        self._awaits_cost = False
        with contextlib.suppress(TimeoutError, StopAsyncIteration, httpx.TransportError, EventTooLarge):
            async with asyncio.timeout(_COST_SECONDS):
                while True:
                    if events := self._decoder.feed(self._sse.feed(await anext(self._chunks))):
                        return events
        return self._decoder.feed(self._sse.flush()) or None

    def resumed(self) -> None:
        """The reader has come back: the time that he held the events is not the upstream's silence."""
        self._silence_from = self._progress_at = asyncio.get_running_loop().time()

    async def aclose(self) -> None:
        """Closes the connection at once."""
        self._limit.close()
        await self._response.stream.aclose()  # type: ignore[union-attr]

    def _deadline(self) -> float:
        return min(
            self._silence_from + self._silence, self._progress_at + self._limits.progress, self._ends_at
        )

    def _timeout(self, now: float) -> UpstreamError:
        if now >= self._ends_at:
            minutes = self._limits.total / 60
            message = (
                f"The answer took more than {minutes:.3g} minutes and was ended. Press Continue for the rest."
            )
            return UpstreamError("timeout", message, request_id=self.request_id)
        if self.content_started:
            return UpstreamError("stalled", request_id=self.request_id)
        only_pings = now >= self._progress_at + self._limits.progress
        waited = self._limits.progress if only_pings else self._silence
        return UpstreamError("timeout", no_answer_message(waited), request_id=self.request_id)

    def _take(self, chunk: bytes) -> list[Event]:
        if not self._sniffed:
            self._sniff(chunk)
        if self._whole is not None:
            self._whole.add(chunk)
            return []
        try:
            pairs = self._sse.feed(chunk)
        except EventTooLarge as error:
            events = self._decode(error.args[0])
            self._failure = self._failure or UpstreamError("too_large", request_id=self.request_id)
            return events
        return self._decode(pairs) if pairs else []

    def _begin_whole(self) -> None:
        self._whole = WholeReply(self._limits, self.request_id, self._secrets)

    def _sniff(self, chunk: bytes) -> None:
        """Some gateways answer a streaming request with plain JSON, some send events as JSON by their content
        type, captive portals send HTML: the first character tells which.
        """
        head = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")
        if head:
            self._sniffed = True
            if head.startswith((b"{", b"[")):
                self._begin_whole()
            elif head.startswith(b"<"):
                raise UpstreamError(
                    "protocol", detail="HTML instead of an answer", request_id=self.request_id
                )

    def _decode(self, pairs: list[tuple[bytes, bytes]]) -> list[Event]:
        if self._is_chat is None and pairs:
            self._is_chat = is_chat(pairs)
            if self._is_chat or self._decoder is None:
                # Until an event tells, the first one reads what both have: pings and errors.
                kind = ChatDecoder if self._is_chat else MessagesDecoder
                self._decoder = kind(self._limits.max_answer_bytes, self._ignored, self._secrets)
        if self._decoder is None:
            return []
        events = self._decoder.feed(pairs)
        self._awaits_cost = self._awaits_cost and not any(event.meta for event in events)
        self._settle()
        return events

    def _settle(self) -> None:
        assert self._decoder is not None
        self._failure = self._decoder.failure
        self._ended = self._decoder.done
        if self._failure is not None and not self._failure.request_id:
            self._failure.request_id = self.request_id

    def _finish(self, pairs: list[tuple[bytes, bytes]]) -> list[Event]:
        """The bytes have ended well: a last event without blank line counts if it is whole (section 9.6 rule 8)."""
        if self._whole is not None:
            self.reply = self._whole.read(self._response.headers)
            self._ended = True
            events, self._failure = self._whole.events(self.reply)
            return events
        events = self._decode([pair for pair in pairs if pair[1].strip() == b"[DONE]" or is_whole(pair[1])])
        if self._decoder is None:
            raise UpstreamError("protocol", detail="an empty answer", request_id=self.request_id)
        events += self._decoder.finish()
        self._settle()
        return events

    def _broken_off(self, error: httpx.TransportError) -> list[Event]:
        events: list[Event] = []
        if self._decoder is not None:
            events = self._decoder.finish()
            self._settle()
        if not self._ended:
            self._failure = UpstreamError(
                "connection_lost", detail=type(error).__name__, request_id=self.request_id
            )
        return events


def no_answer_message(seconds: float) -> str:
    """The sentence for silence before the first word."""
    return f"No answer for {seconds:.3g} seconds. Try again."

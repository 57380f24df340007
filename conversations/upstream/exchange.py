"""One attempt at one request: from the response head to the last event, within its limits; driven by the client."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx

from .chat_decoder import ChatDecoder
from .decoder import MessagesDecoder
from .endpoint import Endpoint
from .errors import UpstreamError
from .events import Event
from .limits import Limits
from .moving_timeout import MovingTimeout
from .reply import Reply, events_from_reply, read_reply
from .sse import EventTooLarge, SSEParser


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
        self._dialect = endpoint.dialect
        self._ends_at = ends_at
        self._progress_at = sent_at
        self._silence_from = sent_at
        self._silence = limits.first_byte
        self._limit = MovingTimeout()
        self._chunks: AsyncIterator[bytes] = aiter(response.stream)  # type: ignore[arg-type]
        self._sse = SSEParser(limits.max_event_bytes)
        self._decoder: MessagesDecoder | ChatDecoder | None = None
        self._failure: UpstreamError | None = None
        self._ended = False
        self._json: list[bytes] | None = [] if "json" in response.headers.get("content-type", "") else None
        self._json_bytes = 0
        self._sniffed = self._json is not None

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
            return None
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
        return UpstreamError("timeout", no_answer_message(self._silence), request_id=self.request_id)

    def _take(self, chunk: bytes) -> list[Event]:
        if not self._sniffed:
            self._sniff(chunk)
        if self._json is not None:
            self._json.append(chunk)
            self._json_bytes += len(chunk)
            if self._json_bytes > self._limits.max_answer_bytes + self._limits.max_event_bytes:
                self._failure = UpstreamError("too_large", request_id=self.request_id)
            return []
        try:
            pairs = self._sse.feed(chunk)
        except EventTooLarge as error:
            events = self._decode(error.args[0])
            self._failure = self._failure or UpstreamError("too_large", request_id=self.request_id)
            return events
        return self._decode(pairs) if pairs else []

    def _sniff(self, chunk: bytes) -> None:
        """Some gateways answer a streaming request with plain JSON under any content type, captive portals
        with HTML.
        """
        head = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")
        if head:
            self._sniffed = True
            if head.startswith(b"{"):
                self._json = []
            elif head.startswith(b"<"):
                raise UpstreamError(
                    "protocol", detail="HTML instead of an answer", request_id=self.request_id
                )

    def _decode(self, pairs: list[tuple[bytes, bytes]]) -> list[Event]:
        if self._decoder is None:
            if not pairs:
                return []
            kind = ChatDecoder if _is_chat(*pairs[0], self._dialect) else MessagesDecoder
            self._decoder = kind(self._limits.max_answer_bytes, self._ignored, self._secrets)
        events = self._decoder.feed(pairs)
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
        if self._json is not None:
            self.reply = read_reply(
                b"".join(self._json),
                request_id=self.request_id,
                meta=self._meta_in_headers(),
                secrets=self._secrets,
            )
            self._ended = True
            return events_from_reply(self.reply)
        events = self._decode([pair for pair in pairs if pair[1].endswith((b"}", b"[DONE]"))])
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

    def _meta_in_headers(self) -> dict[str, Any] | None:
        try:
            return {"usage": {"usd_spent": float(self._response.headers["x-aimlapi-usd-spent"])}}
        except (KeyError, ValueError):
            return None


def no_answer_message(seconds: float) -> str:
    """The sentence for silence before the first word."""
    return f"No answer for {seconds:.3g} seconds. Try again."


def _is_chat(name: bytes, data: bytes, dialect: str) -> bool:
    """By the first event, since either shape may come from either route; what tells nothing is of the dialect."""
    if name not in (b"", b"message"):
        return False
    if b'"choices"' in data:
        return b'"content_block' not in data[:64]
    return dialect == "openai_chat" and b'"message_start"' not in data

"""The bytes of a response body → events, whatever the body turns out to be: a Messages stream, a Chat Completions
stream or one JSON object. Fed by `exchange`, which knows the network and the clock; here there is neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .chat_decoder import ChatDecoder
from .errors import UpstreamError
from .events import Event
from .json_values import is_whole
from .limits import Limits
from .messages_decoder import MessagesDecoder
from .reply import Reply
from .spoken import is_chat
from .sse import EventTooLarge, SSEParser
from .stream_decoder import Pair, StreamDecoder
from .whole_reply import WholeReply


class BodyReader:
    """`ended` tells that the answer is whole, `failure` is the error that ended it after the events given so far,
    `reply` is what came as one JSON object.
    """

    def __init__(
        self, limits: Limits, ignored: Counter[str], *, request_id: str = "", secrets: tuple[str, ...] = ()
    ) -> None:
        self.failure: UpstreamError | None = None
        self.ended = False
        self.reply: Reply | None = None
        self._limits = limits
        self._ignored = ignored
        self._request_id = request_id
        self._secrets = secrets
        self._sse = SSEParser(limits.max_event_bytes)
        self._decoder: StreamDecoder | None = None
        self._is_chat: bool | None = None
        self._sniffed = False
        self._whole: WholeReply | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete. Raises UpstreamError for what is no answer at all."""
        if not self._sniffed:
            self._sniff(chunk)
        if self._whole is not None:
            self._whole.add(chunk)
            return []
        try:
            pairs = self._sse.feed(chunk)
        except EventTooLarge as error:
            events = self._decode(error.args[0])
            self.failure = self.failure or UpstreamError("too_large")
            return events
        return self._decode(pairs) if pairs else []

    def finish(self, headers: Mapping[str, str]) -> list[Event]:
        """The bytes have ended well: a last event without blank line counts if it is whole (section 9.6 rule 8).
        `headers` may tell what the answer cost. Raises UpstreamError where nothing or no answer has come.
        """
        if self._whole is not None:
            self.reply = self._whole.read(headers)
            self.ended = True
            events, self.failure = self._whole.events(self.reply)
            return events
        pairs = self._sse.flush()
        events = self._decode([pair for pair in pairs if pair[1].strip() == b"[DONE]" or is_whole(pair[1])])
        if self._decoder is None:
            raise UpstreamError("protocol", detail="an empty answer")
        events += self._decoder.finish()
        self._settle()
        return events

    def broken_off(self, how: str) -> list[Event]:
        """The connection broke: the answer fails, unless it had said why it ends."""
        events: list[Event] = []
        if self._decoder is not None:
            events = self._decoder.finish()
            self._settle()
        if not self.ended:
            self.failure = UpstreamError("connection_lost", detail=how)
        return events

    def late_events(self, chunk: bytes | None) -> list[Event]:
        """What comes after the end of a stream and still tells something, which is what it cost; None: no more bytes
        come. Raises EventTooLarge.
        """
        if self._decoder is None:
            return []
        return self._decoder.feed(self._sse.flush() if chunk is None else self._sse.feed(chunk))

    def _sniff(self, chunk: bytes) -> None:
        """Some gateways answer a streaming request with plain JSON, some send events as JSON by their content
        type, captive portals send HTML: the first character tells which.
        """
        head = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")
        if head:
            self._sniffed = True
            if head.startswith((b"{", b"[")):
                self._whole = WholeReply(self._limits, self._request_id, self._secrets)
            elif head.startswith(b"<"):
                raise UpstreamError("protocol", detail="HTML instead of an answer")

    def _decode(self, pairs: list[Pair]) -> list[Event]:
        if self._is_chat is None and pairs:
            self._is_chat = is_chat(pairs)
            if self._is_chat or self._decoder is None:
                # Until an event tells, the first one reads what both have: pings and errors.
                kind = ChatDecoder if self._is_chat else MessagesDecoder
                self._decoder = kind(self._limits.max_answer_bytes, self._ignored, self._secrets)
        if self._decoder is None:
            return []
        events = self._decoder.feed(pairs)
        self._settle()
        return events

    def _settle(self) -> None:
        assert self._decoder is not None
        self.failure = self._decoder.failure
        self.ended = self._decoder.done

"""SSE data of the Messages dialects → typed events, in order or not at all."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from .deltas import ALL_DELTAS, DELTAS_OF, PIECES, decode_delta_event, piece_text, whole_delta
from .error_bodies import error_from_event, is_error
from .errors import GarbledAnswer
from .events import (
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
)
from .json_values import UnreadableJSON, read_raw_json, storable
from .sse import NO_EVENTS
from .stream_decoder import Pair, StreamDecoder
from .usage import clean_meta, meta_of


class MessagesDecoder(StreamDecoder):
    """Checks the order of events (section 9.1), drops and counts what it does not know, repairs what no
    database could store.
    """

    def __init__(self, max_answer_bytes: int, ignored: Counter[str], secrets: tuple[str, ...] = ()) -> None:
        super().__init__(max_answer_bytes, ignored, secrets)
        self._started = False
        self._next_index = 0
        self._open_index = -1
        self._fitting = ALL_DELTAS  # those that belong to the open block's type
        self._stop_reason_seen = False
        self._kept_meta: dict[str, Any] | None = None  # of a dropped event, for the next

    def feed(self, pairs: list[Pair]) -> list[Event]:
        """As of every decoder, with a short way for ordinary pieces of text, which nearly all events are."""
        events: list[Event] = []
        append, left = events.append, self._size
        for name, data in pairs:
            if name == b"content_block_delta" and not self._pieces.half:
                # The hot path: everything that is odd in any way is read with care.
                try:
                    event = decode_delta_event(data)
                    text = piece_text(event.delta)
                except (ValueError, RecursionError):
                    text = None
                if (
                    text is not None
                    and 0 <= event.index == self._open_index
                    and event.delta.type in self._fitting
                    and "\0" not in text
                ):
                    size = len(text) if text.isascii() else len(text.encode())
                    if 0 < size <= left.left:
                        left.left -= size
                        append(event)
                        continue
            self._read(name, data, events)
            if self.failure is not None:
                break
        return events

    def _missing_end(self) -> list[Event] | None:
        if not self._stop_reason_seen:
            return None
        self._ignored["missing message_stop"] += 1
        events: list[Event] = []
        self._close_open_block(events)
        return [*events, MessageStop(self._meta({}))]

    def _decode(self, name: bytes, data: bytes, events: list[Event]) -> None:
        if self.done:
            self._after_the_end(name, data, events)
        else:
            self._event(name, data, events)

    def _event(self, name: bytes, data: bytes, events: list[Event]) -> None:
        if data.strip() in NO_EVENTS:
            return
        try:
            value = read_raw_json(data)
        except UnreadableJSON:
            if name == b"error":
                value = {"message": data.decode("utf-8", "replace")}
            elif name == b"ping":
                return
            else:
                raise
        if not isinstance(value, dict):
            raise GarbledAnswer("an event is not an object")
        kind = value.get("type")
        if name == b"error" or kind == "error":
            raise error_from_event(storable(value), self._secrets)
        if not isinstance(kind, str):
            if not name and is_error(value):
                raise error_from_event(storable(value), self._secrets)
            kind = name.decode("ascii", "replace")
        handle = _HANDLERS.get(kind)
        if handle is None:
            self._kept_meta = clean_meta(meta_of(value)) or self._kept_meta
            if kind != "ping":
                self._ignored[f"event {kind[:40]}"] += 1
            return
        if handle is not MessagesDecoder._content_block_delta:
            value = storable(value)
        handle(self, value, events)

    def _after_the_end(self, name: bytes, data: bytes, events: list[Event]) -> None:
        """The answer is whole: the rest is ignored (promises S13), but for what it cost, which may come with any
        event (section 9.4).
        """
        try:
            value = read_raw_json(data)
        except UnreadableJSON:
            value = None
        kind = str(value.get("type") or name.decode("ascii", "replace")) if isinstance(value, dict) else ""
        if kind != "ping" and data.strip() not in NO_EVENTS:
            self._ignored["after message_stop"] += 1
        if isinstance(value, dict) and kind not in _HANDLERS and (meta := clean_meta(meta_of(value))):
            events.append(MessageDelta({}, None, meta))

    def _meta(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """The meta of an event, or the one that was kept for it."""
        meta, self._kept_meta = meta_of(value) or self._kept_meta, None
        return meta

    def _message_start(self, value: dict[str, Any], events: list[Event]) -> None:
        if self._started:
            self._ignored["second message_start"] += 1
            if self._next_index:
                # A second answer on the same connection: the first one is kept, the rest ignored (promises
                # S13).
                events.extend(self.finish())
            return
        message = value.get("message")
        self._started = True
        events.append(MessageStart(message if isinstance(message, dict) else {}, self._meta(value)))

    def _ensure_started(self, events: list[Event]) -> None:
        if not self._started:
            self._ignored["missing message_start"] += 1
            self._message_start({}, events)

    def _content_block_start(self, value: dict[str, Any], events: list[Event]) -> None:
        self._ensure_started(events)
        index, block = _index(value), value.get("content_block")
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise GarbledAnswer("a block without type")
        if index != self._next_index or self._open_index >= 0:
            raise GarbledAnswer(f"block {index} starts out of order")
        self._open_index = index
        self._next_index += 1
        self._fitting = DELTAS_OF.get(block["type"], ALL_DELTAS)
        kind = f"{block['type']}_delta"
        field, piece_type = PIECES.get(kind, ("", None))
        piece = block.get(field)
        block = {key: value for key, value in block.items() if key != "partial_json"}  # a mark of our own
        if piece_type is not None:
            block[field] = ""
        if any(value for key, value in block.items() if key != "type"):
            # An empty frame is no content.
            self._size.take(len(msgspec.json.encode(block)))
        events.append(ContentBlockStart(index, block, self._meta(value)))
        if piece_type is not None and isinstance(piece, str) and piece:
            # Some servers put the first words into the start; readers who join deltas must not miss them.
            self._pieces.add(index, kind, piece, events)

    def _content_block_delta(self, value: dict[str, Any], events: list[Event]) -> None:
        index, raw = _index(value), value.get("delta")
        if index != self._open_index:
            raise GarbledAnswer(f"delta for block {index}, which is not open")
        if not isinstance(raw, dict):
            raise GarbledAnswer("a delta that is not an object")
        kind = str(raw.get("type"))
        fits = kind in self._fitting
        if fits and kind in PIECES:
            self._piece(kind, raw, value, events)
        elif fits and (whole := whole_delta(raw)) is not None:
            self._size.take(whole[1])
            events.append(ContentBlockDelta(index, whole[0], self._meta(value)))
        else:
            self._kept_meta = clean_meta(meta_of(value)) or self._kept_meta
            self._ignored[f"delta {kind[:40]}"] += 1

    def _piece(self, kind: str, raw: dict[str, Any], value: dict[str, Any], events: list[Event]) -> None:
        text = raw.get(PIECES[kind][0])
        if not isinstance(text, str | None):
            raise GarbledAnswer(f"{kind} without text")
        self._pieces.add(self._open_index, kind, text or "", events, self._meta(value))

    def _content_block_stop(self, value: dict[str, Any], events: list[Event]) -> None:
        index = _index(value)
        if index != self._open_index:
            raise GarbledAnswer(f"block {index} stops, but is not open")
        self._close_open_block(events, self._meta(value))

    def _message_delta(self, value: dict[str, Any], events: list[Event]) -> None:
        self._ensure_started(events)
        delta, usage = value.get("delta"), value.get("usage")
        delta = delta if isinstance(delta, dict) else {}
        self._stop_reason_seen = self._stop_reason_seen or isinstance(delta.get("stop_reason"), str)
        events.append(MessageDelta(delta, usage if isinstance(usage, dict) else None, self._meta(value)))

    def _message_stop(self, value: dict[str, Any], events: list[Event]) -> None:
        self._ensure_started(events)
        self._close_open_block(events)
        events.append(MessageStop(self._meta(value)))
        self.done = True

    def _close_open_block(self, events: list[Event], meta: dict[str, Any] | None = None) -> None:
        if self._open_index >= 0:
            self._pieces.end(self._open_index, events)
            events.append(ContentBlockStop(self._open_index, meta))
            self._open_index = -1


_HANDLERS = {
    "message_start": MessagesDecoder._message_start,
    "content_block_start": MessagesDecoder._content_block_start,
    "content_block_delta": MessagesDecoder._content_block_delta,
    "content_block_stop": MessagesDecoder._content_block_stop,
    "message_delta": MessagesDecoder._message_delta,
    "message_stop": MessagesDecoder._message_stop,
}


def _index(value: dict[str, Any]) -> int:
    index = value.get("index")
    if type(index) is not int or not 0 <= index < 100_000:
        raise GarbledAnswer("an event without a block index")
    return index

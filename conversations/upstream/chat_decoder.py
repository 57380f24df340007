"""Chunks of a Chat Completions stream → the same typed events as of a Messages stream (messages-api section 17.3)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from .chat_reply import calls_of, stop_reason_from_chat, text_of, usage_from_chat
from .error_bodies import error_from_event, is_error
from .errors import GarbledAnswer
from .events import (
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Event,
    InputJsonDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
)
from .json_values import read_raw_json, storable, storable_text
from .sse import NO_EVENTS
from .stream_decoder import StreamDecoder

_MAX_CALLS = 128
# Bytes that begin and end of a block are in a Messages stream, about: here they are made up, and kept all the same.
_BLOCK_FRAME = 150


class ChatDecoder(StreamDecoder):
    """Text and reasoning stream on; tool calls are collected and follow at the end, since their pieces may be
    interleaved.

    The answer ends at `[DONE]`, before which some servers give no finish_reason, or with the bytes once a finish_reason
    came.
    """

    def __init__(self, max_answer_bytes: int, ignored: Counter[str], secrets: tuple[str, ...] = ()) -> None:
        super().__init__(max_answer_bytes, ignored, secrets)
        self._started = False
        self._kind = ""
        self._index = -1
        self._calls: dict[int, dict[str, Any]] = {}
        self._stop_reason: str | None = None
        self._usage: dict[str, Any] = {}
        self._meta: dict[str, Any] | None = None

    def _decode(self, name: bytes, data: bytes, events: list[Event]) -> None:
        if self.done:
            self._ignored["after [DONE]"] += 1
        elif data.strip() not in NO_EVENTS:
            self._chunk(name, read_raw_json(data), events)
        elif data.strip():
            self._stop_reason = self._stop_reason or self._unsaid_reason()
            events += self.finish()

    def _missing_end(self) -> list[Event] | None:
        if self._stop_reason is None:
            return None
        events: list[Event] = []
        self._close(events)
        for call in self._calls.values():
            self._index += 1
            events += self._call_events(call)
        delta = {"stop_reason": self._stop_reason, "stop_sequence": None}
        return [*events, MessageDelta(delta, self._usage or None, self._meta), MessageStop()]

    def _call_events(self, call: dict[str, Any]) -> list[Event]:
        """A collected call as block number `_index`, which begins, comes in one piece and ends."""
        block = {
            "type": "tool_use",
            "id": call["id"] or f"call_{self._index}",
            "name": call["name"],
            "input": {},
        }
        arguments = InputJsonDelta(storable_text("".join(call["arguments"])))
        return [
            ContentBlockStart(self._index, block),
            ContentBlockDelta(self._index, arguments),
            ContentBlockStop(self._index),
        ]

    def _unsaid_reason(self) -> str | None:
        """Why a stream ended that says only that it has; nothing where nothing had come."""
        if self._calls:
            return "tool_use"
        return "end_turn" if self._index >= 0 else None

    def _chunk(self, name: bytes, raw: Any, events: list[Event]) -> None:
        if not isinstance(raw, dict):
            raise GarbledAnswer("a chunk is not an object")
        value = storable(raw)
        if name == b"error" or is_error(value):
            raise error_from_event(value, self._secrets)
        if not self._started and "choices" in value:
            self._started = True
            message: dict[str, Any] = {
                "id": value.get("id"), "type": "message", "role": "assistant", "model": value.get("model"),
                "content": [], "stop_reason": None, "stop_sequence": None, "usage": {},
            }  # fmt: skip
            events.append(MessageStart(message))
        if isinstance(value.get("meta"), dict):
            self._meta = value["meta"]
        self._usage = usage_from_chat(value.get("usage")) or self._usage
        choices = value.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return
        # Of its texts, halves of characters may come with two chunks.
        delta = raw["choices"][0].get("delta")
        if delta is None and self._index < 0 and not self._calls:
            # Some servers give all of an answer in one chunk; others end with a repetition of it.
            delta = raw["choices"][0].get("message")
        if isinstance(delta, dict):
            self._delta(delta, events)
        self._stop_reason = stop_reason_from_chat(choices[0].get("finish_reason")) or self._stop_reason

    def _delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        if thinking := text_of(delta.get("reasoning_content") or delta.get("reasoning")):
            self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""}, events)
            self._pieces.add(self._index, "thinking_delta", thinking, events)
        if text := text_of(delta.get("content") or delta.get("refusal")):
            self._open("text", {"type": "text", "text": ""}, events)
            self._pieces.add(self._index, "text_delta", text, events)
        for position, call in enumerate(calls_of(delta)):
            if isinstance(call, dict):
                self._call(position, call)

    def _call(self, position: int, call: dict[str, Any]) -> None:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        index = call.get("index")
        if type(index) is not int:
            # Servers without an index begin a new call with a new id.
            known = [number for number, kept in self._calls.items() if kept["id"] == call.get("id")]
            index = (
                known[0]
                if known
                else (len(self._calls) if call.get("id") else max(len(self._calls) - 1, position))
            )
        if index not in self._calls:
            if len(self._calls) >= _MAX_CALLS:
                raise GarbledAnswer("too many tool calls")
            self._calls[index] = {"id": "", "name": "", "arguments": []}
        kept = self._calls[index]
        for field, said in (("id", call.get("id")), ("name", function.get("name"))):
            if said and not kept[field]:
                kept[field] = storable_text(str(said))
                self._size.take(len(kept[field].encode()))
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            # Some servers give them as an object, all at once.
            arguments = json.dumps(storable(arguments), ensure_ascii=False)
        if arguments and isinstance(arguments, str):
            self._size.take(len(arguments.encode(errors="surrogatepass")))
            kept["arguments"].append(arguments)

    def _open(self, kind: str, block: dict[str, Any], events: list[Event]) -> None:
        if self._kind != kind:
            self._size.take_beside(_BLOCK_FRAME)
            self._close(events)
            self._kind = kind
            self._index += 1
            events.append(ContentBlockStart(self._index, block))

    def _close(self, events: list[Event]) -> None:
        if self._kind:
            self._pieces.end(self._index, events)
            events.append(ContentBlockStop(self._index))
            self._kind = ""

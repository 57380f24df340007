"""Chat Completions chunks → the same typed events (messages-api section 17.3); a twin of MessagesDecoder,
driven by the client.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from .answer_size import AnswerSize
from .chat_reply import stop_reason_from_chat, text_of, usage_from_chat
from .error_bodies import error_from_event
from .errors import GarbledAnswer, UpstreamError
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
from .json_values import UnreadableJSON, read_raw_json, storable, storable_text
from .pieces import Pieces
from .sse import NO_EVENTS

logger = logging.getLogger(__name__)

_MAX_CALLS = 128


class ChatDecoder:
    """Text and reasoning stream on; tool calls are collected and follow at the end, since their pieces may be
    interleaved.

    `failure` and `done` as in MessagesDecoder. The answer ends at `[DONE]`, before which some servers give no
    finish_reason, or with the bytes once a finish_reason came.
    """

    def __init__(self, max_answer_bytes: int, ignored: Counter[str], secrets: tuple[str, ...] = ()) -> None:
        self.failure: UpstreamError | None = None
        self.done = False
        self._ignored = ignored
        self._secrets = secrets
        self._size = AnswerSize(max_answer_bytes)
        self._pieces = Pieces(self._size)
        self._started = False
        self._kind = ""
        self._index = -1
        self._calls: dict[int, dict[str, Any]] = {}
        self._stop_reason: str | None = None
        self._usage: dict[str, Any] = {}
        self._meta: dict[str, Any] | None = None

    def feed(self, pairs: list[tuple[bytes, bytes]]) -> list[Event]:
        """The events in `(name, data)` pairs from the SSE parser."""
        events: list[Event] = []
        for name, data in pairs:
            if self.done:
                self._ignored["after [DONE]"] += 1
                continue
            if data.strip() in NO_EVENTS:
                if data.strip():
                    self._stop_reason = self._stop_reason or self._unsaid_reason()
                    events += self.finish()
                continue
            try:
                self._chunk(name, read_raw_json(data), events)
            except UpstreamError as error:
                self.failure = error
            except UnreadableJSON as error:
                logger.debug("unreadable event (%s): %r", error, data[:500])
                self.failure = GarbledAnswer(f"unreadable event ({error})")
            if self.failure is not None:
                break
        return events

    def finish(self) -> list[Event]:
        """The end of the answer, or `failure` where no finish_reason came."""
        if self.done or self.failure is not None:
            return []
        if self._stop_reason is None:
            self.failure = UpstreamError("connection_lost", detail="the stream ended in mid-answer")
            return []
        events: list[Event] = []
        self._close(events)
        for call in self._calls.values():
            self._index += 1
            block = {
                "type": "tool_use",
                "id": call["id"] or f"call_{self._index}",
                "name": call["name"],
                "input": {},
            }
            arguments = InputJsonDelta(storable_text("".join(call["arguments"])))
            events += [
                ContentBlockStart(self._index, block),
                ContentBlockDelta(self._index, arguments),
                ContentBlockStop(self._index),
            ]
        delta = {"stop_reason": self._stop_reason, "stop_sequence": None}
        events += [MessageDelta(delta, self._usage or None, self._meta), MessageStop()]
        self.done = True
        return events

    def _unsaid_reason(self) -> str | None:
        """Why a stream ended that says only that it has; nothing where nothing had come."""
        if self._calls:
            return "tool_use"
        return "end_turn" if self._index >= 0 else None

    def _chunk(self, name: bytes, raw: Any, events: list[Event]) -> None:
        if not isinstance(raw, dict):
            raise GarbledAnswer("a chunk is not an object")
        value = storable(raw)
        if name == b"error" or value.get("error"):
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
        calls = delta.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else []):
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
        kept["id"] = kept["id"] or storable_text(str(call.get("id") or ""))
        kept["name"] = kept["name"] or storable_text(str(function.get("name") or ""))
        if isinstance(function.get("arguments"), str):
            self._size.take(len(function["arguments"].encode(errors="surrogatepass")))
            kept["arguments"].append(function["arguments"])

    def _open(self, kind: str, block: dict[str, Any], events: list[Event]) -> None:
        if self._kind != kind:
            self._close(events)
            self._kind = kind
            self._index += 1
            events.append(ContentBlockStart(self._index, block))

    def _close(self, events: list[Event]) -> None:
        if self._kind:
            self._pieces.end(self._index, events)
            events.append(ContentBlockStop(self._index))
            self._kind = ""

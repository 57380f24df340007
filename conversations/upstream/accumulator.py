"""Events in, the answer's final content out, block by block as the API means it (messages-api sections 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .block import Block
from .errors import GarbledAnswer
from .events import (
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Event,
    MessageDelta,
    MessageStart,
    TextDelta,
)
from .json_values import UnreadableJSON, read_json, text_in
from .usage import Usage, clean_meta

_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_GROWING = frozenset({"text", "thinking"})


class Accumulator:
    """Builds `content` from the events of one answer, live or from a journal.

    `content` is the API's list of blocks, `usage` and `meta` are checked figures (an unknown one is missing),
    `invalid_inputs` maps the index of a tool call to its raw input where that was not JSON: such a call must
    not be run; its block keeps the raw input as `partial_json` (section 9.3).
    """

    def __init__(self) -> None:
        self.message_id = ""
        self.model = ""
        self.stop_reason: str | None = None
        self.stop_sequence: str | None = None
        self.stop_details: dict[str, Any] | None = None
        self.container: dict[str, str] | None = None
        self.meta: dict[str, Any] = {}
        self.invalid_inputs: dict[int, str] = {}
        self.complete = False
        self._usage = Usage()
        self._blocks: list[Block] = []
        self._append_text: Any = None
        self._open_index = -1

    def extend(self, events: Iterable[Event]) -> None:
        """Applies events in order. Raises GarbledAnswer at the first that cannot belong to the answer (row 30)."""
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """Applies one event. Raises GarbledAnswer for a delta or stop of a block that is not open, or a start
        out of order.
        """
        if isinstance(event, ContentBlockDelta):
            if event.index != self._open_index:
                raise GarbledAnswer(f"delta for block {event.index}, which is not open")
            delta = event.delta
            if isinstance(delta, TextDelta):
                self._append_text(delta.text)
            else:
                self._blocks[-1].apply(delta)
        elif isinstance(event, ContentBlockStart):
            if event.index != len(self._blocks) or self._open_index >= 0:
                raise GarbledAnswer(f"block {event.index} starts out of order")
            block = Block(event.content_block)
            self._blocks.append(block)
            self._append_text = block.text.append
            self._open_index = event.index
        elif isinstance(event, ContentBlockStop):
            if event.index != self._open_index:
                raise GarbledAnswer(f"block {event.index} stops, but is not open")
            self._close()
        elif isinstance(event, MessageStart):
            self._start(event.message)
        elif isinstance(event, MessageDelta):
            self._delta(event)
        else:
            if self._open_index >= 0:
                self._close()
            self.complete = True
        if event.meta:
            self.meta.update(clean_meta(event.meta))

    def finish(self) -> None:
        """Closes what a broken-off answer left open: partial text and thinking stay, a call with half an
        input and an empty block go (section 5, strip rule 3). Does nothing to a complete answer.
        """
        if self._open_index < 0:
            return
        fields = self._blocks[-1].as_dict()
        kind = fields.get("type")
        empty = kind in _GROWING and not fields.get(kind) and not fields.get("signature")
        if kind in _CALLS or empty:
            self._blocks.pop()
        self._open_index = -1

    @property
    def content(self) -> list[dict[str, Any]]:
        """The blocks so far, in the API's own form. The dicts stay the accumulator's own."""
        return [block.as_dict() for block in self._blocks]

    @property
    def text(self) -> str:
        """All text blocks joined without separator, as citations require."""
        return "".join(
            block.as_dict().get("text") or "" for block in self._blocks if block.fields.get("type") == "text"
        )

    @property
    def usage(self) -> dict[str, Any]:
        """The usage so far in the API's words."""
        return self._usage.values

    @property
    def usage_is_final(self) -> bool:
        """False while `output_tokens` is only message_start's provisional figure."""
        return self._usage.final

    def _start(self, message: dict[str, Any]) -> None:
        self.message_id = text_in(message, "id")
        self.model = text_in(message, "model")
        self._take_container(message)
        self._usage.start(message.get("usage"))
        self.meta.update(clean_meta(message.get("meta")))

    def _delta(self, event: MessageDelta) -> None:
        delta = event.delta
        if isinstance(reason := delta.get("stop_reason"), str):
            self.stop_reason = reason[:60]
        if isinstance(sequence := delta.get("stop_sequence"), str):
            self.stop_sequence = sequence
        if isinstance(details := delta.get("stop_details"), dict):
            self.stop_details = details
        self._take_container(delta)
        self._usage.update(event.usage)

    def _take_container(self, holder: dict[str, Any]) -> None:
        """Of the beginning, where it is named already, or of the end."""
        if isinstance(container := holder.get("container"), dict):
            said = {name: text_in(container, name) for name in ("id", "expires_at")}
            self.container = {name: text for name, text in said.items() if text}

    def _close(self) -> None:
        block = self._blocks[-1]
        if block.json_pieces:
            self._parse_input(self._open_index, block)
        self._open_index = -1

    def _parse_input(self, index: int, block: Block) -> None:
        raw = "".join(block.json_pieces)
        block.json_pieces.clear()
        if not raw.strip():
            # Only blanks were streamed: an empty input, unless the start already had it whole (section 9.3).
            block.fields["input"] = block.fields.get("input") or {}
            return
        try:
            value = read_json(raw.encode())
        except (UnreadableJSON, UnicodeEncodeError):
            value = None
        if isinstance(value, dict):
            block.fields["input"] = value
        else:
            self.invalid_inputs[index] = raw
            block.fields |= {"input": {}, "partial_json": raw}

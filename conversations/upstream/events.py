"""The events of a streamed answer as small typed structs, words and JSON shape exactly the API's
(messages-api section 9).

Made by the decoders, applied by the accumulator, journalled as dicts and encoded into frames as they are.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import msgspec


class TextDelta(msgspec.Struct, tag="text_delta", gc=False):
    """A piece of the answer's text."""

    type: ClassVar[str] = "text_delta"
    text: str


class ThinkingDelta(msgspec.Struct, tag="thinking_delta", gc=False):
    """A piece of a thinking block's text."""

    type: ClassVar[str] = "thinking_delta"
    thinking: str


class InputJsonDelta(msgspec.Struct, tag="input_json_delta", gc=False):
    """A piece of a tool call's input; it may be cut anywhere, so it is only text until the block stops."""

    type: ClassVar[str] = "input_json_delta"
    partial_json: str


class SignatureDelta(msgspec.Struct, tag="signature_delta", gc=False):
    """The signature of a thinking block: set, not appended."""

    type: ClassVar[str] = "signature_delta"
    signature: str


class CitationsDelta(msgspec.Struct, tag="citations_delta"):
    """One citation for the open text block."""

    type: ClassVar[str] = "citations_delta"
    citation: dict[str, Any]


class CompactionDelta(msgspec.Struct, tag="compaction_delta", omit_defaults=True):
    """The content of a compaction block: set, not appended."""

    type: ClassVar[str] = "compaction_delta"
    content: Any = None
    encrypted_content: Any = None


Delta: TypeAlias = (
    TextDelta | ThinkingDelta | InputJsonDelta | SignatureDelta | CitationsDelta | CompactionDelta
)


class MessageStart(msgspec.Struct, tag="message_start", omit_defaults=True):
    """The answer begins; `message` has id, model and a provisional usage."""

    type: ClassVar[str] = "message_start"
    message: dict[str, Any]
    meta: dict[str, Any] | None = None


class ContentBlockStart(msgspec.Struct, tag="content_block_start", omit_defaults=True):
    """Block number `index` begins; blocks without deltas arrive whole here."""

    type: ClassVar[str] = "content_block_start"
    index: int
    content_block: dict[str, Any]
    meta: dict[str, Any] | None = None


class ContentBlockDelta(msgspec.Struct, tag="content_block_delta", omit_defaults=True):
    """A piece of block number `index`."""

    type: ClassVar[str] = "content_block_delta"
    index: int
    delta: Delta
    meta: dict[str, Any] | None = None


class ContentBlockStop(msgspec.Struct, tag="content_block_stop", omit_defaults=True):
    """Block number `index` is complete."""

    type: ClassVar[str] = "content_block_stop"
    index: int
    meta: dict[str, Any] | None = None


class MessageDelta(msgspec.Struct, tag="message_delta", omit_defaults=True):
    """Stop reason and cumulative usage; the last one wins (section 9.4)."""

    type: ClassVar[str] = "message_delta"
    delta: dict[str, Any]
    usage: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


class MessageStop(msgspec.Struct, tag="message_stop", omit_defaults=True):
    """The answer is complete."""

    type: ClassVar[str] = "message_stop"
    meta: dict[str, Any] | None = None


Event: TypeAlias = (
    MessageStart | ContentBlockStart | ContentBlockDelta | ContentBlockStop | MessageDelta | MessageStop
)


def event_to_dict(event: Event) -> dict[str, Any]:
    """The event as plain JSON-able data, `type` first, as the API writes it."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    return data


def event_from_dict(data: dict[str, Any]) -> Event:
    """The event that `event_to_dict` (or a journal row) describes; keys that it does not know are left out.

    Raises msgspec.ValidationError for anything that is not one of the six events.
    """
    event: Event = msgspec.convert(data, Event)
    return event

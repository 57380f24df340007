"""A whole JSON reply, in the Messages or the Chat Completions shape, as one value or as the events it would
have been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from .chat_reply import message_from_chat
from .error_bodies import error_from_event, is_error
from .errors import UpstreamError
from .events import (
    CitationsDelta,
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Event,
    InputJsonDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from .json_values import UnreadableJSON, read_json, text_in
from .usage import clean_meta, clean_usage


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that was not streamed: `content` blocks, checked `usage` and `meta`, the model that really answered."""

    content: list[dict[str, Any]]
    usage: dict[str, Any]
    meta: dict[str, Any]
    stop_reason: str | None
    model: str
    message_id: str = ""
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    container: dict[str, Any] | None = None
    request_id: str = ""

    @property
    def text(self) -> str:
        """All text blocks joined."""
        return "".join(str(block.get("text") or "") for block in self.content if block.get("type") == "text")


def read_reply(
    body: bytes, *, request_id: str = "", meta: dict[str, Any] | None = None, secrets: tuple[str, ...] = ()
) -> Reply:
    """The reply in a JSON body; everything but the content is optional (section 8). Raises UpstreamError `protocol`.

    `meta` is what the headers say it cost; each figure counts where the body has none (section 13.2).
    """
    try:
        value = read_json(body)
    except UnreadableJSON as error:
        raise UpstreamError("protocol", detail=f"unreadable JSON ({error})", request_id=request_id) from None
    if isinstance(value, dict):
        if value.get("type") == "error" or is_error(value):
            failure = error_from_event(value, secrets)
            failure.request_id = failure.request_id or request_id
            raise failure
        if isinstance(value.get("choices"), list):
            value = message_from_chat(value)
    content = value.get("content") if isinstance(value, dict) else None
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list) or not all(
        isinstance(block, dict) and isinstance(block.get("type"), str) for block in content
    ):
        raise UpstreamError("protocol", detail="the JSON holds no message", request_id=request_id)
    reason, sequence = value.get("stop_reason"), value.get("stop_sequence")
    details, container = value.get("stop_details"), value.get("container")
    said = {**clean_meta(meta).get("usage", {}), **clean_meta(value.get("meta")).get("usage", {})}
    return Reply(
        content=content,
        usage=clean_usage(value.get("usage")),
        meta={"usage": said} if said else {},
        stop_reason=reason if isinstance(reason, str) else None,
        model=text_in(value, "model"),
        message_id=text_in(value, "id"),
        stop_sequence=sequence if isinstance(sequence, str) else None,
        stop_details=details if isinstance(details, dict) else None,
        container=container if isinstance(container, dict) else None,
        request_id=request_id,
    )


def events_from_reply(reply: Reply) -> list[Event]:
    """The events a stream would have brought: a JSON answer to a streaming request reads like any other (section 9)."""
    message: dict[str, Any] = {
        "id": reply.message_id, "type": "message", "role": "assistant", "model": reply.model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": reply.usage,
    }  # fmt: skip
    events: list[Event] = [MessageStart(message, reply.meta or None)]
    for index, block in enumerate(reply.content):
        events += _block_events(index, block)
    delta: dict[str, Any] = {
        "stop_reason": reply.stop_reason or "end_turn",
        "stop_sequence": reply.stop_sequence,
    }
    if reply.stop_details is not None:
        delta["stop_details"] = reply.stop_details
    if reply.container is not None:
        delta["container"] = reply.container
    return [*events, MessageDelta(delta, reply.usage or None), MessageStop()]


def _block_events(index: int, block: dict[str, Any]) -> list[Event]:
    kind = block["type"]
    raw = block.get("partial_json")  # an input that is no JSON (section 9.3)
    block = {key: value for key, value in block.items() if key != "partial_json"}
    deltas: list[Any] = []
    if kind == "text":
        start = block | {"text": ""}
        deltas = [TextDelta(str(block.get("text") or ""))]
        citations = block.get("citations")
        if isinstance(citations, list):
            # In the place where they came, which may be before the text.
            start["citations"] = []
            deltas += [CitationsDelta(citation) for citation in citations if isinstance(citation, dict)]
        elif citations is not None:
            del start["citations"]
    elif kind == "thinking":
        start = block | {"thinking": "", "signature": ""}
        deltas = [ThinkingDelta(str(block.get("thinking") or ""))]
        deltas += [SignatureDelta(block["signature"])] if isinstance(block.get("signature"), str) else []
    elif kind == "tool_use":
        start = block | {"input": {}}
        whole = msgspec.json.encode(block.get("input") or {}).decode()
        deltas = [InputJsonDelta(raw if isinstance(raw, str) and raw else whole)]
    else:
        start = block
    pieces = [ContentBlockDelta(index, delta) for delta in deltas]
    return [ContentBlockStart(index, start), *pieces, ContentBlockStop(index)]

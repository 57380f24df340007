"""A whole JSON reply, in the Messages or the Chat Completions shape, as one value or as the events it would
have been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from .error_bodies import error_from_event
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
from .foreign_block import checked
from .json_values import UnreadableJSON, read_json
from .usage import clean_meta, clean_usage, is_count

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


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
    request_id: str = ""

    @property
    def text(self) -> str:
        """All text blocks joined."""
        return "".join(str(block.get("text") or "") for block in self.content if block.get("type") == "text")


def read_reply(
    body: bytes, *, request_id: str = "", meta: dict[str, Any] | None = None, secrets: tuple[str, ...] = ()
) -> Reply:
    """The reply in a JSON body; everything but the content is optional (section 8). Raises UpstreamError `protocol`."""
    try:
        value = read_json(body)
    except UnreadableJSON as error:
        raise UpstreamError("protocol", detail=f"unreadable JSON ({error})", request_id=request_id) from None
    if isinstance(value, dict):
        if value.get("type") == "error" or value.get("error") or "statusCode" in value:
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
    return Reply(
        content=[checked(block) for block in content],
        usage=clean_usage(value.get("usage")),
        meta=clean_meta(value.get("meta")) or clean_meta(meta),
        stop_reason=reason if isinstance(reason, str) else None,
        model=str(value.get("model") or ""),
        message_id=str(value.get("id") or ""),
        stop_sequence=sequence if isinstance(sequence, str) else None,
        request_id=request_id,
    )


def message_from_chat(value: dict[str, Any]) -> dict[str, Any]:
    """A `chat.completion` object as a Messages object (section 17.2)."""
    choice = next((choice for choice in value["choices"] if isinstance(choice, dict)), {})
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content: list[dict[str, Any]] = []
    if thinking := message.get("reasoning_content") or message.get("reasoning"):
        content.append({"type": "thinking", "thinking": str(thinking), "signature": ""})
    if text := message.get("content") or message.get("refusal"):
        content.append({"type": "text", "text": str(text)})
    calls = message.get("tool_calls")
    for number, call in enumerate(calls if isinstance(calls, list) else []):
        call = call if isinstance(call, dict) else {}
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        try:
            arguments = read_json(str(function.get("arguments") or "{}").encode())
        except UnreadableJSON:
            arguments = None
        block = {
            "type": "tool_use",
            "id": call.get("id") or f"call_{number}",
            "name": str(function.get("name") or ""),
        }
        content.append(block | {"input": arguments if isinstance(arguments, dict) else {}})
    return {
        "id": value.get("id"),
        "model": value.get("model"),
        "content": content,
        "stop_reason": stop_reason_from_chat(choice.get("finish_reason")),
        "usage": usage_from_chat(value.get("usage")),
        "meta": value.get("meta"),
    }


def stop_reason_from_chat(finish_reason: object) -> str | None:
    """`finish_reason` in the words of the Messages API; an unknown one stays as it is."""
    return _STOP_REASONS.get(finish_reason, finish_reason) if isinstance(finish_reason, str) else None


def usage_from_chat(usage: object) -> dict[str, Any]:
    """Chat usage in the words of the Messages API: there, cached tokens are part of `prompt_tokens`."""
    if not isinstance(usage, dict):
        return {}
    result: dict[str, Any] = {
        "input_tokens": usage.get("prompt_tokens"),
        "output_tokens": usage.get("completion_tokens"),
    }
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    for name, field_name in (
        ("cached_tokens", "cache_read_input_tokens"),
        ("cache_write_tokens", "cache_creation_input_tokens"),
    ):
        count = details.get(name)
        if is_count(count) and is_count(result["input_tokens"]) and count <= result["input_tokens"]:
            result[field_name] = count
            result["input_tokens"] -= count
    return {name: value for name, value in result.items() if value is not None}


def events_from_reply(reply: Reply) -> list[Event]:
    """The events a stream would have brought: a JSON answer to a streaming request reads like any other (section 9)."""
    message: dict[str, Any] = {
        "id": reply.message_id, "type": "message", "role": "assistant", "model": reply.model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": reply.usage,
    }  # fmt: skip
    events: list[Event] = [MessageStart(message, reply.meta or None)]
    for index, block in enumerate(reply.content):
        events += _block_events(index, block)
    delta = {"stop_reason": reply.stop_reason or "end_turn", "stop_sequence": reply.stop_sequence}
    return [*events, MessageDelta(delta, reply.usage or None), MessageStop()]


def _block_events(index: int, block: dict[str, Any]) -> list[Event]:
    kind = block["type"]
    deltas: list[Any] = []
    if kind == "text":
        start = {key: value for key, value in block.items() if key != "citations"} | {"text": ""}
        deltas = [TextDelta(str(block.get("text") or ""))]
        cited = block.get("citations")
        found = cited if isinstance(cited, list) else []
        deltas += [CitationsDelta(citation) for citation in found if isinstance(citation, dict)]
    elif kind == "thinking":
        start = block | {"thinking": "", "signature": ""}
        deltas = [ThinkingDelta(str(block.get("thinking") or ""))]
        deltas += [SignatureDelta(block["signature"])] if isinstance(block.get("signature"), str) else []
    elif kind == "tool_use":
        start = block | {"input": {}}
        deltas = [InputJsonDelta(msgspec.json.encode(block.get("input") or {}).decode())]
    else:
        start = block
    pieces = [ContentBlockDelta(index, delta) for delta in deltas]
    return [ContentBlockStart(index, start), *pieces, ContentBlockStop(index)]

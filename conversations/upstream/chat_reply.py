"""Chat Completions replies in the words of the Messages API (messages-api section 17.2); used by `reply` and, for
usage and stop reasons, by `chat_decoder`.
"""

from __future__ import annotations

from typing import Any

from .json_values import UnreadableJSON, read_json
from .usage import is_count

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def message_from_chat(value: dict[str, Any]) -> dict[str, Any]:
    """A `chat.completion` object as a Messages object (section 17.2); what it holds beyond that shape is left out."""
    choice = next((choice for choice in value["choices"] if isinstance(choice, dict)), {})
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content: list[dict[str, Any]] = []
    if thinking := text_of(message.get("reasoning_content") or message.get("reasoning")):
        content.append({"type": "thinking", "thinking": thinking, "signature": ""})
    if text := text_of(message.get("content") or message.get("refusal")):
        content.append({"type": "text", "text": text})
    for number, call in enumerate(calls_of(message)):
        if isinstance(call, dict):
            content.append(_tool_use(number, call))
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


def text_of(content: object) -> str:
    """A text, also one that comes as a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in parts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def calls_of(message: dict[str, Any]) -> list[Any]:
    """The tool calls in a message or a delta, unchecked; also the one of the old form, which has no id."""
    calls, only = message.get("tool_calls"), message.get("function_call")
    if isinstance(calls, list):
        return calls
    return [{"index": 0, "function": only}] if isinstance(only, dict) else []


def _tool_use(number: int, call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    raw = function.get("arguments") or "{}"
    try:
        arguments = read_json(raw.encode()) if isinstance(raw, str) else raw
    except (UnreadableJSON, UnicodeEncodeError):
        arguments = None
    block = {
        "type": "tool_use",
        "id": str(call.get("id") or f"call_{number}"),
        "name": str(function.get("name") or ""),
    }
    if isinstance(arguments, dict):
        return block | {"input": arguments}
    # As of a stream: such a call must not be run (section 9.3).
    return block | {"input": {}, "partial_json": str(raw)}

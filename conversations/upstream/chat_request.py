"""A MessageRequest as a Chat Completions body (messages-api section 17.1); used by `request_body` for `openai_chat`."""

from __future__ import annotations

from typing import Any

import msgspec

from .request import MessageRequest

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_REASONING_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_NEVER_SENT = frozenset({"thinking", "redacted_thinking", "compaction", "fallback"})


def body(request: MessageRequest, *, sampling: dict[str, Any], stream: bool) -> dict[str, Any]:
    """The body with `max_tokens` (the compatible name), `stop` of at most four, and usage asked for at the
    end of a stream.
    """
    messages: list[dict[str, Any]] = []
    if request.system:
        messages.append({"role": "system", "content": request.system})
    for message in request.messages:
        for made in _messages(message):
            _add(messages, made)
    result: dict[str, Any] = {
        "model": request.model,
        "max_tokens": max(1, request.max_tokens),
        "messages": messages,
    }
    result |= sampling
    if stop := [text for text in request.stop_sequences if text.strip()][:4]:
        result["stop"] = stop
    if stream:
        result |= {"stream": True, "stream_options": {"include_usage": True}}
    result |= _output(request.output_config or {})
    if request.tools:
        result |= _tools(request.tools, request.tool_choice or {})
    return result


def _add(messages: list[dict[str, Any]], made: dict[str, Any]) -> None:
    """A turn of which nothing goes out leaves its neighbours side by side: they become one (messages-api section 5)."""
    if messages and messages[-1]["role"] == made["role"] == "user":
        messages[-1]["content"] = _as_parts(messages[-1]["content"]) + _as_parts(made["content"])
    else:
        messages.append(made)


def _as_parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _messages(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    if isinstance(content, str):
        return [{"role": message["role"], "content": content}]
    blocks = [block for block in content if block.get("type") not in _NEVER_SENT]
    return _assistant(blocks) if message["role"] == "assistant" else _user(blocks)


def _assistant(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    text = "".join(block.get("text") or "" for block in blocks if block.get("type") == "text")
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": msgspec.json.encode(block["input"]).decode()},
        }
        for block in blocks
        if block.get("type") == "tool_use"
    ]
    if not text and not calls:
        return []
    return [{"role": "assistant", "content": text or None} | ({"tool_calls": calls} if calls else {})]


def _user(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tool results first, one message each; then what the person sent, and pictures out of tool results,
    which have no place there.
    """
    messages: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if block.get("type") == "tool_result":
            text, pictures = _tool_result(block)
            messages.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": text})
            parts += pictures
        else:
            parts += _parts(block)
    if len(parts) == 1 and parts[0]["type"] == "text":
        messages.append({"role": "user", "content": parts[0]["text"]})
    elif parts:
        messages.append({"role": "user", "content": parts})
    return messages


def _tool_result(block: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    content = block.get("content") or ""
    pictures: list[dict[str, Any]] = []
    if not isinstance(content, str):
        pictures = [part for item in content if item.get("type") == "image" for part in _parts(item)]
        content = "".join(item.get("text") or "" for item in content if item.get("type") == "text")
    return f"Error: {content}" if block.get("is_error") else content, pictures


def _parts(block: dict[str, Any]) -> list[dict[str, Any]]:
    kind, source = block.get("type"), block.get("source")
    if kind == "text":
        return [{"type": "text", "text": block["text"]}]
    if kind == "image" and isinstance(source, dict):
        return [{"type": "image_url", "image_url": {"url": _url(source)}}]
    if kind == "document" and isinstance(source, dict):
        if source.get("type") == "text":
            return [{"type": "text", "text": source["data"]}]
        name = str(block.get("title") or "document.pdf")
        return [{"type": "file", "file": {"file_data": _url(source), "filename": name}}]
    return []


def _url(source: dict[str, Any]) -> str:
    if source.get("type") == "url":
        return str(source["url"])
    return f"data:{source['media_type']};base64,{source['data']}"


def _output(config: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if effort := _REASONING_EFFORTS.get(str(config.get("effort"))):
        result["reasoning_effort"] = effort
    shape = config.get("format")
    if isinstance(shape, dict) and shape.get("type") == "json_schema":
        result["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": shape["schema"]},
        }
    return result


def _tools(tools: list[dict[str, Any]], choice: dict[str, Any]) -> dict[str, Any]:
    functions = [
        {
            "type": "function",
            "function": {
                "name": tool["name"],
                "description": tool.get("description", ""),
                "parameters": tool["input_schema"],
            },
        }
        for tool in tools
        if "input_schema" in tool
    ]
    if not functions:
        return {}
    result: dict[str, Any] = {"tools": functions}
    if choice.get("type") == "tool":
        result["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice.get("type") in _CHOICES:
        result["tool_choice"] = _CHOICES[choice["type"]]
    if choice.get("disable_parallel_tool_use"):
        result["parallel_tool_calls"] = False
    return result

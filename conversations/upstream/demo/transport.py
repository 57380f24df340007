"""The demo behind httpx: takes a Messages request, answers in real wire bytes at a natural pace. Used by the
client for `demo`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from .answers import Answer, answer

PACE = 0.025  # seconds between deltas: about forty a second
_PIECES = re.compile(r"\s*\S{1,12}|\s+$")
_PLACEHOLDERS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}


class DemoTransport(httpx.AsyncBaseTransport):
    """Answers in the process. `drip` is the pause after a delta in seconds; 0 gives all at once."""

    def __init__(self, drip: float = PACE) -> None:
        self._drip = drip

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """A streamed or a JSON answer, or an error reply, as the request's last words ask."""
        body = msgspec.json.decode(request.content)
        # Pictures are looked into, which would hold up the loop.
        reply = await asyncio.to_thread(answer, body)
        headers = {"request-id": f"req_demo_{secrets.token_hex(8)}"}
        if reply.error is not None and not reply.error_after_start:
            if reply.status == 429:
                headers["retry-after"] = "5"
            return httpx.Response(reply.status, headers=headers, json={"type": "error", "error": reply.error})
        message = _message(body, reply)
        if not body.get("stream"):
            return httpx.Response(200, headers=headers, json=message)
        headers["content-type"] = "text/event-stream"
        return httpx.Response(
            200, headers=headers, stream=_Drip(_wire(message, reply), self._drip / reply.pace)
        )


class _Drip(httpx.AsyncByteStream):
    """Events one by one with a pause after each delta."""

    def __init__(self, events: list[bytes], pause: float) -> None:
        self._events = events
        self._pause = pause

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._pause:
            yield b"".join(self._events)
            return
        for event in self._events:
            yield event
            if b"_delta\n" in event:
                await asyncio.sleep(self._pause)


def _message(body: dict[str, Any], reply: Answer) -> dict[str, Any]:
    characters = sum(len(text) for block in reply.blocks for text in block.values() if isinstance(text, str))
    sent = sum(_characters(message.get("content")) for message in body["messages"])
    return {
        "id": f"msg_demo_{secrets.token_hex(8)}", "type": "message", "role": "assistant",
        "model": body.get("model") or "demo", "content": reply.blocks,
        "stop_reason": reply.stop_reason, "stop_sequence": None,
        "usage": {
            "input_tokens": max(1, sent // 4), "output_tokens": max(1, characters // 4),
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        },
    }  # fmt: skip


def _characters(content: Any) -> int:
    """Of a turn's text; everything else in it, a picture say, counts as 1,600 of them."""
    if not isinstance(content, list):
        return len(str(content))
    texts = (block.get("text") for block in content)
    return sum(len(text) if isinstance(text, str) else 1600 for text in texts)


def _wire(message: dict[str, Any], reply: Answer) -> list[bytes]:
    usage = message["usage"]
    start = message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    events = [_event("message_start", message=start), _event("ping")]
    for index, block in enumerate(reply.blocks):
        events += _block(index, block)
    if reply.error is not None:
        return [*events[:-1], _event("error", error=reply.error)]
    delta: dict[str, Any] = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    if reply.stop_reason == "refusal":
        delta["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": "The demo was asked to refuse.",
        }
    return [
        *events,
        _event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]}),
        _event("message_stop"),
    ]


def _block(index: int, block: dict[str, Any]) -> list[bytes]:
    kind = block["type"]
    start = {key: value for key, value in block.items() if key != "citations"} | _PLACEHOLDERS.get(kind, {})
    deltas: list[dict[str, Any]] = []
    if kind == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in _PIECES.findall(block["text"])]
        deltas += [
            {"type": "citations_delta", "citation": citation} for citation in block.get("citations", [])
        ]
    elif kind == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": piece} for piece in _PIECES.findall(block["thinking"])
        ]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif "input" in start:
        raw = msgspec.json.encode(block["input"]).decode()
        deltas = [
            {"type": "input_json_delta", "partial_json": piece} for piece in ("", *re.findall(r".{1,8}", raw))
        ]
    return [
        _event("content_block_start", index=index, content_block=start),
        *(_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        _event("content_block_stop", index=index),
    ]


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode({"type": kind, **fields}) + b"\n\n"

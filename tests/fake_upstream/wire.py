"""Bytes of the Messages and Chat Completions wires, for scripts."""

from __future__ import annotations

import json
from typing import Any

Blocks = list[dict[str, Any]]
USAGE = {
    "input_tokens": 25,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 1,
}


def event(kind: str, **fields: Any) -> bytes:
    """One SSE event with its `event:` line."""
    return b"event: " + kind.encode() + b"\ndata: " + data({"type": kind, **fields}) + b"\n\n"


def data(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def message_start(**overrides: Any) -> bytes:
    message = {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": USAGE,
    }
    return event("message_start", message=message | overrides)


def block_start(index: int = 0, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block or {"type": "text", "text": ""})


def text_delta(text: str, index: int = 0) -> bytes:
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def delta(index: int, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta=fields)


def block_stop(index: int = 0) -> bytes:
    return event("content_block_stop", index=index)


def message_end(stop_reason: str | None = "end_turn", output_tokens: int = 15, **fields: Any) -> bytes:
    ending = {"stop_reason": stop_reason, "stop_sequence": None, **fields}
    return event("message_delta", delta=ending, usage={"output_tokens": output_tokens}) + event(
        "message_stop"
    )


PING = event("ping")


def text_answer(*pieces: str, stop_reason: str = "end_turn") -> list[bytes]:
    """A whole streamed answer of one text block, one element per event."""
    return [
        message_start(),
        block_start(),
        PING,
        *(text_delta(piece) for piece in pieces),
        block_stop(),
        message_end(stop_reason, max(1, len(pieces))),
    ]


def error_body(kind: str, message: str, **details: Any) -> bytes:
    error = {"type": kind, "message": message} | ({"details": details} if details else {})
    return data({"type": "error", "error": error, "request_id": "req_fake"})


def message_body(text: str) -> bytes:
    """A whole answer that was not streamed."""
    return data(
        {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": USAGE | {"output_tokens": 5},
        }
    )


def chat_chunk(**fields: Any) -> bytes:
    chunk = {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-fake",
        **fields,
    }
    return b"data: " + data(chunk) + b"\n\n"


def chat_delta(finish_reason: str | None = None, **delta: Any) -> bytes:
    return chat_chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])


def chat_answer(*pieces: str) -> list[bytes]:
    usage = {"prompt_tokens": 10, "completion_tokens": len(pieces), "total_tokens": 10 + len(pieces)}
    return [
        chat_delta(role="assistant", content=""),
        *(chat_delta(content=piece) for piece in pieces),
        chat_delta("stop"),
        chat_chunk(choices=[], usage=usage),
        b"data: [DONE]\n\n",
    ]


def chat_body(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    return data(
        {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-fake",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    )

"""What the demo answers to a request body: blocks, stop reason, pace, or an error. Stateless: it reads
nothing but the request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import samples
from .pictures import describe

_COMMAND = re.compile(r"(?<![\w/])/(\w+)(?:[ \t]+(mid|\d{3}))?")
_TAGGED = re.compile(r"<(\w+)>(.+?)</\1>", re.DOTALL)
_ERRORS = {
    400: ("invalid_request_error", "messages: the demo was asked to refuse this"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "the key lacks access"),
    404: ("not_found_error", "model: demo-gone"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your rate limit"),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


GOES_ON = (
    " … and here the answer goes on. A real model would end its sentence; the demo does not know what it was about "
    "to say."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: whole `blocks`, how it ends, how fast it comes (1 is the natural pace), or the error instead."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str = "end_turn"
    pace: float = 1.0
    status: int = 200
    error: dict[str, Any] | None = None
    error_after_start: bool = False


def answer(request: dict[str, Any]) -> Answer:
    """The answer to a request body in Messages form."""
    text, received = _last_turn(request)
    if not request.get("stream"):
        return Answer([{"type": "text", "text": _title(text)}])
    commands = {match[1].lower(): match[2] or "" for match in _COMMAND.finditer(text)}
    if "error" in commands:
        return _error(commands["error"])
    if "empty" in commands:
        return Answer()
    pace = 0.1 if "slow" in commands else 1.0
    blocks: list[dict[str, Any]] = []
    if "think" in commands or (request.get("thinking") or {}).get("type") in {"enabled", "adaptive"}:
        blocks.append(_thinking(text))
    if "tool" in commands:
        return Answer([*blocks, *_tool_call()], "tool_use", pace)
    if "cite" in commands:
        return Answer([*blocks, *_cited()], pace=pace)
    said = GOES_ON if _goes_on(request, text) else _text(text, received, commands, request)
    blocks.append({"type": "text", "text": said})
    reason = "refusal" if "refuse" in commands else "max_tokens" if "max_tokens" in commands else "end_turn"
    return Answer(blocks, reason, pace)


def _goes_on(request: dict[str, Any], text: str) -> bool:
    """Whether an answer that broke off is to be continued: it stands last itself, or is quoted."""
    messages = request.get("messages") or [{}]
    return messages[-1].get("role") == "assistant" or text.startswith("Your previous answer was cut off")


def _last_turn(request: dict[str, Any]) -> tuple[str, list[str]]:
    messages = request.get("messages") or []
    content = messages[-1].get("content") if messages else ""
    if isinstance(content, str):
        return content, []
    blocks = _last_message(content)
    text = "\n".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    received = [_received(block) for block in blocks if block.get("type") in {"image", "document"}]
    return text, received


def _last_message(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the person sent last. Where answers failed, their messages make one turn: each is files, then words."""
    words = [at for at, block in enumerate(content[:-1]) if block.get("type") == "text"]
    return content[words[-1] + 1 :] if words else content


def _received(block: dict[str, Any]) -> str:
    if block["type"] == "document":
        return "a document, which the demo does not open"
    return describe(str(block["source"].get("data") or ""))


def _text(text: str, received: list[str], commands: dict[str, str], request: dict[str, Any]) -> str:
    if "help" in commands:
        return samples.HELP
    if "markdown" in commands:
        return samples.MARKDOWN
    if "long" in commands:
        return samples.long_answer()
    if "refuse" in commands:
        return "I will not go on with this. (The demo was asked to refuse.)"
    if "max_tokens" in commands:
        return "This answer reaches its limit in the middle of a"
    turns = sum(message.get("role") == "user" for message in request.get("messages") or [])
    parts = [
        "I am the demo of this site: a small program, not Claude. I can show the page, but I cannot think."
    ]
    if received:
        listed = "\n".join(f"{number}. {thing}" for number, thing in enumerate(received, 1))
        parts.append(f"I have received:\n\n{listed}")
    if text.strip():
        count = len(text.split())
        words = "1 word" if count == 1 else f"{count} words"
        quote = " ".join(text.split())[:200]
        parts.append(f"You wrote {words} in turn {turns} of this conversation:\n\n> {quote}")
    parts.append(
        "Write `/help` to see what I can show. "
        "An administrator can connect a real model under Administration, Providers."
    )
    return "\n\n".join(parts)


def _title(text: str) -> str:
    tagged = _TAGGED.search(text)
    words = re.sub(r"[^\w\s'’-]", " ", tagged[2] if tagged else text).split()[:6]
    title = " ".join(words)[:60]
    return title[:1].upper() + title[1:] or "A conversation with the demo"


def _thinking(text: str) -> dict[str, Any]:
    thought = f"The person wrote {len(text)} characters. I only pretend to weigh them, for I am a demo."
    return {"type": "thinking", "thinking": thought, "signature": "ZGVtby1zaWduYXR1cmU="}


def _tool_call() -> list[dict[str, Any]]:
    call = {
        "type": "tool_use",
        "id": "toolu_demo",
        "name": "get_weather",
        "input": {"city": "Rome", "unit": "celsius"},
    }
    return [{"type": "text", "text": "I would like to look up the weather."}, call]


def _cited() -> list[dict[str, Any]]:
    results = [
        {
            "type": "web_search_result",
            "url": url,
            "title": title,
            "encrypted_content": "ZGVtbw==",
            "page_age": None,
        }
        for title, url, _ in samples.SOURCES
    ]
    blocks: list[dict[str, Any]] = [
        {
            "type": "server_tool_use",
            "id": "srvtoolu_demo",
            "name": "web_search",
            "input": {"query": "web frameworks and streaming"},
        },
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_demo", "content": results},
        {"type": "text", "text": "Two sources say something about this. "},
    ]
    for title, url, quote in samples.SOURCES:
        citation = {
            "type": "web_search_result_location", "cited_text": quote, "url": url, "title": title,
            "encrypted_index": "ZGVtbw==",
        }  # fmt: skip
        blocks.append({"type": "text", "text": f"According to {title}: “{quote}” ", "citations": [citation]})
    return blocks


def _error(which: str) -> Answer:
    if which == "mid":
        kind, message = _ERRORS[529]
        blocks = [
            {
                "type": "text",
                "text": "This answer breaks off with an error in the middle of a sentence, because",
            }
        ]
        return Answer(blocks, status=200, error={"type": kind, "message": message}, error_after_start=True)
    status = int(which or 529)
    kind, message = _ERRORS.get(status, ("api_error", "An error, as asked"))
    return Answer(status=status if 400 <= status < 600 else 500, error={"type": kind, "message": message})

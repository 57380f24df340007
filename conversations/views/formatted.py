"""The HTML of an answer's text blocks: what was stored with it, else rendered now. Used by the transcript."""

from __future__ import annotations

from ..models import Message
from ..rendering.jobs import DocumentJob
from ..rendering.plain import plain_blocks
from ..rendering_service import service

_SECONDS = 10.0


def html_of(message: Message) -> list[list[str]]:
    """Per content block a list of sanitised HTML strings, empty for blocks that are not text."""
    stored = message.html
    if isinstance(stored, list) and len(stored) == len(message.content):
        return stored
    futures = [
        service().submit(DocumentJob(block.get("text") or "")) if block.get("type") == "text" else None
        for block in message.content
    ]
    return [
        _result(future, block.get("text") or "") if future is not None else []
        for future, block in zip(futures, message.content, strict=True)
    ]


def _result(future: object, text: str) -> list[str]:
    try:
        return future.result(_SECONDS)  # type: ignore[attr-defined, no-any-return]
    except Exception:
        return plain_blocks(text)

"""Which blocks of an answer say nothing to whoever asked. Used where requests are made and where answers are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

THINKING = ("thinking", "redacted_thinking")


def is_empty_text(block: dict[str, Any]) -> bool:
    """A text of white space, which the Messages API refuses (messages-api 3.1)."""
    return block.get("type") == "text" and not (block.get("text") or "").strip()


def says_nothing(content: Iterable[dict[str, Any]]) -> bool:
    """Whether these blocks are thinking and white space alone, or none at all."""
    return all(block.get("type") in THINKING or is_empty_text(block) for block in content)

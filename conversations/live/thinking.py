"""How long a model thought, told by the event that ends the block: live, replayed and stored it is the same figure."""

from __future__ import annotations

import time
from typing import Any

from ..upstream.events import ContentBlockStart, ContentBlockStop, event_to_dict
from .log import LiveLog

_LEAST = 1.0


class Stopwatch:
    """Times the thinking blocks of one answer."""

    def __init__(self) -> None:
        self._began: float | None = None

    def started(self, event: ContentBlockStart) -> None:
        self._began = time.monotonic() if event.content_block.get("type") == "thinking" else None

    def stopped(self, event: ContentBlockStop) -> ContentBlockStop | dict[str, Any]:
        """The event to log: with `seconds` where the block was thinking that took a second or more."""
        if self._began is None:
            return event
        seconds, self._began = time.monotonic() - self._began, None
        return event if seconds < _LEAST else timed(event, _as_read(seconds))


def timed(event: ContentBlockStop, seconds: float | None) -> dict[str, Any]:
    body = event_to_dict(event)
    return body if seconds is None else {**body, "seconds": seconds}


def thinking_seconds(log: LiveLog) -> dict[str, float] | None:
    """Seconds by the index of the block, as `Message.thinking_seconds` keeps them; None without any."""
    found = [event for event in log.events if type(event) is dict and "seconds" in event]
    return {str(event["index"]): event["seconds"] for event in found} or None


def _as_read(seconds: float) -> float:
    """Rounded once, so that no two places round it differently."""
    return round(seconds, 1) if seconds < 9.95 else round(seconds)

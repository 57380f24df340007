"""The formatted view of a running answer's text blocks, as far as they have closed. Filled by the rendering service."""

from __future__ import annotations

from typing import Any

from ..live.log import LiveLog


class LiveHTML:
    def __init__(self, log: LiveLog) -> None:
        self._log = log

    def feed(self, events: list[Any]) -> None:
        pass

    async def finish(self, content: list[dict[str, Any]]) -> list[Any] | None:
        return None

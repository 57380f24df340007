"""The formatted view of a running answer: its text blocks go through the render service while they are written."""

from __future__ import annotations

import asyncio
from typing import Any

from ..live.log import LiveLog
from ..rendering.live import BlockHTML, LiveBlock
from ..rendering_service import service
from ..upstream.events import ContentBlockDelta, ContentBlockStart, ContentBlockStop, TextDelta

# How long the end of an answer waits for its formatting; without it the page formats on the next load.
_FINISH_SECONDS = 2.0


class LiveHTML:
    """Takes the events that are appended to one log, and adds rendered HTML to it as that gets ready. The text waits
    for none of it.
    """

    def __init__(self, log: LiveLog) -> None:
        self._log = log
        self._open: LiveBlock | None = None
        self._blocks: dict[int, list[str]] = {}
        self._rendering: list[asyncio.Future[None]] = []

    def feed(self, events: list[Any], seq: int) -> None:
        """Take events that were just appended; `seq` is the number of the last of them."""
        texts: list[str] = []
        for event in events:
            kind = type(event)
            if kind is ContentBlockDelta:
                if type(event.delta) is TextDelta:
                    texts.append(event.delta.text)
            elif kind is ContentBlockStart:
                if event.content_block.get("type") == "text":
                    self._open = LiveBlock(service(), self._deliver_to(event.index))
                    texts.append(event.content_block.get("text") or "")
            elif kind is ContentBlockStop:
                self._push(texts, seq)
                if self._open is not None:
                    self._rendering.append(self._open.finish())
                    self._open = None
        self._push(texts, seq)

    async def finish(self, content: list[dict[str, Any]]) -> list[list[str]] | None:
        """The HTML to store with the answer, per content block; None when it was not ready in time."""
        if self._rendering:
            _, late = await asyncio.wait(self._rendering, timeout=_FINISH_SECONDS)
            if late:
                return None
        html = []
        for index, block in enumerate(content):
            rendered = self._blocks.get(index, [])
            if block.get("type") == "text" and block.get("text") and not rendered:
                return None
            html.append(rendered)
        return html

    def _push(self, texts: list[str], seq: int) -> None:
        if texts and self._open is not None:
            self._open.push("".join(texts), seq)
            texts.clear()

    def _deliver_to(self, index: int) -> Any:
        def deliver(news: BlockHTML) -> None:
            known = self._blocks.setdefault(index, [])
            known[news.start :] = news.html
            self._log.add_html(
                {
                    "type": "block_html",
                    "index": index,
                    "seq": news.seq,
                    "start": news.start,
                    "html": news.html,
                    "open": news.open,
                    "length": news.length,
                }
            )

        return deliver

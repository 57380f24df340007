"""A content block's text becomes HTML while it is written. The engine feeds one `LiveBlock` per block."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .jobs import DocumentJob, TailJob
from .plain import plain_blocks
from .segment import Segment
from .service import RenderService

INTERVAL = 0.2
"""Seconds between two renders of the same open block (promises section 4: at most five a second)."""

OPEN_CHARACTERS_PER_SECOND = 20_000
"""A long open block is rendered less often: its cost stays a small part of the time it takes to arrive."""

CODE_CHARACTERS_PER_SECOND = 5_000
"""The same for open code, which the page extends by itself as plain text."""

MAX_OPEN = 64 * 1024
"""Characters of an open block above which it waits for its end."""

MAX_LIVE = 256 * 1024
"""Bytes (UTF-8) of a block's text above which nothing is formatted while it is written."""

# Without one of these a new piece of text looks the same formatted and plain.
_MARKUP = re.compile(r"[\n\r*_`~$)\]>]")


@dataclass(frozen=True, slots=True)
class BlockHTML:
    """News for the page: Markdown blocks `start`… become `html`, then `open` for the block still open.

    `length`: UTF-16 code units of the content block's text that all closed blocks and the open one cover; the
    page shows the rest as plain text. `seq`: the last event that the HTML may hold text of.
    """

    start: int
    html: list[str]
    open: str
    length: int
    seq: int
    final: bool


class LiveBlock:
    """Renders one growing text through a `RenderService` and calls `deliver` with each change.

    All methods are called on the event loop that was running when it was made. `push` is on the hot path:
    it only notes the text.
    """

    def __init__(self, service: RenderService, deliver: Callable[[BlockHTML], None]) -> None:
        self._service = service
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._pieces: list[str] = []
        self._unread: list[str] = []
        self._tail = ""
        self._seq = 0
        self._size = 0
        self._closed: list[str] = []
        self._closed_units = 0
        self._references: dict[str, dict[str, Any]] = {}
        self._defines = False
        self._stopped = False
        self._finishing = False
        self._dirty = False
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._job: Future[Any] | None = None
        self._done: asyncio.Future[None] = self._loop.create_future()

    def push(self, text: str, seq: int) -> None:
        """Take the text of the event numbered `seq`."""
        self._unread.append(text)
        self._seq = seq
        if not self._dirty and _MARKUP.search(text):
            self._dirty = True
            self._schedule()

    def finish(self) -> asyncio.Future[None]:
        """No more text comes: render the rest first of all.

        The future is done once it is delivered; all HTML delivered then covers the whole text.
        """
        self._stop_timer()
        self._finishing = True
        self._read()
        if self._size > MAX_LIVE:
            # What is formatted stays; the rest is a text of its own, most likely shown plain.
            self._submit(DocumentJob(self._tail), self._append)
        elif self._defines or self._stopped:
            self._submit_document()
        else:
            self._submit(TailJob(self._tail, self._references, final=True, key=self), self._finished)
        return self._done

    def close(self) -> None:
        """Forget everything; nothing is delivered any more."""
        self._stop_timer()
        self._stopped = True
        job, self._job = self._job, None
        if job:
            job.cancel()
        self._end()

    def _read(self) -> None:
        if self._unread:
            text = "".join(self._unread)
            self._unread.clear()
            self._pieces.append(text)
            self._tail += text
            self._size += len(text.encode(errors="replace"))

    def _schedule(self) -> None:
        if self._timer is None and not self._stopped:
            self._timer = self._loop.call_at(max(self._not_before, self._loop.time()), self._render)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _render(self) -> None:
        self._timer = None
        if self._job is not None and self._job.running():
            return  # its arrival schedules the next
        self._read()
        self._dirty = False
        if self._size > MAX_LIVE or len(self._tail) > MAX_OPEN:
            self._stopped = self._size > MAX_LIVE
            self._not_before = self._loop.time() + INTERVAL
            return
        self._submit(TailJob(self._tail, self._references, key=self), self._arrived)

    def _submit(self, job: DocumentJob | TailJob, then: Callable[[Any, int], None]) -> None:
        seq = self._seq
        self._job = self._service.submit(job)

        # Both are given the future: one that they held would hold them, and this block with its answer, in a circle.
        def arrive(future: Future[Any]) -> None:
            # A job that a newer one has overtaken does not count: both began at the same place.
            if self._job is future:
                self._job = None
                if not future.cancelled():
                    then(future.result(), seq)
                elif self._finishing:  # the service is closed
                    self._append(plain_blocks(self._tail), seq)

        def call(future: Future[Any]) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(arrive, future)

        self._job.add_done_callback(call)

    def _arrived(self, segment: Segment | None, seq: int) -> None:
        if segment is None:
            self._stopped = True  # too slow to format as it comes; the whole is tried at the end
            return
        start = len(self._closed)
        self._take(segment)
        rate = (
            CODE_CHARACTERS_PER_SECOND if segment.open.startswith("<figure") else OPEN_CHARACTERS_PER_SECOND
        )
        self._not_before = self._loop.time() + max(INTERVAL, len(self._tail) / rate)
        covered = self._tail[: segment.covered - segment.consumed]
        self._deliver(
            BlockHTML(start, segment.closed, segment.open, self._closed_units + _units(covered), seq, False)
        )
        if self._dirty:
            self._schedule()

    def _take(self, segment: Segment) -> None:
        self._closed += segment.closed
        self._closed_units += _units(self._tail[: segment.consumed])
        self._tail = self._tail[segment.consumed :]
        self._references = segment.references
        self._defines |= segment.defines

    def _finished(self, segment: Segment | None, seq: int) -> None:
        if segment is None or segment.defines:
            self._submit_document()
            return
        self._service.remember("".join(self._pieces), self._closed + segment.closed)
        self._append(segment.closed, seq)

    def _append(self, blocks: list[str], seq: int) -> None:
        self._deliver(
            BlockHTML(len(self._closed), blocks, "", self._closed_units + _units(self._tail), seq, True)
        )
        self._end()

    def _submit_document(self) -> None:
        self._submit(DocumentJob("".join(self._pieces)), self._replaced)

    def _replaced(self, blocks: list[str], seq: int) -> None:
        start = 0
        for known, new in zip(self._closed, blocks, strict=False):
            if known != new:
                break
            start += 1
        self._deliver(BlockHTML(start, blocks[start:], "", _units("".join(self._pieces)), seq, True))
        self._end()

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


def _units(text: str) -> int:
    """UTF-16 code units, which is how a browser counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2

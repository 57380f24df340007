"""What one open page still has to get: news at once, answers by cursor, at most one burst per frame interval.

A slow reader costs a cursor, not a queue: nothing is taken from a log while the reader's window is full.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from django.conf import settings

from .frames import Body, bodies, encode, frame
from .log import LiveLog
from .window import Window

Send = Callable[[str], Awaitable[None]]
Encode = Callable[[LiveLog, Body, int | None], str]

# One burst is in memory while the reader's connection takes it, so it is small; the rest follows at once.
BURST_CHARACTERS = 32 * 1024


class _Following:
    """A cursor into one log."""

    __slots__ = ("cursor", "edition", "html", "log", "sent", "status")

    def __init__(self, log: LiveLog, after: int) -> None:
        self.log = log
        self.cursor = after
        # Up to here this reader was sent events before it resumed. It drops a delta whose number it has: one that was
        # merged across this place would be dropped, or doubled, as a whole.
        self.sent = 0
        self.edition = log.edition
        # Rendered HTML is an addition to the text: whoever resumes gets all of it again.
        self.html = 0
        self.status: Body | None = None

    def begin_again(self) -> None:
        """The log's events were replaced: what was sent of the others binds nothing that comes now."""
        self.edition = self.log.edition
        self.cursor = self.sent = self.html = 0

    def is_done(self) -> bool:
        return self.log.closed and self.cursor == self.log.seq and self.html == len(self.log.html)


class Delivery:
    """All that leaves through one socket or stream.

    `too_slow` is called once when a full window stays unacknowledged; None: the reader's transport holds `send` back,
    and there is no window. Nothing leaves before `open`.
    """

    def __init__(
        self, send: Send, too_slow: Callable[[], None] | None = None, encode_event: Encode = frame
    ) -> None:
        self._send = send
        self._window = None if too_slow is None else Window(too_slow)
        self._encode_event = encode_event
        self._open = False
        # A list, since most pages only wait: an empty deque is 760 bytes.
        self._news: list[str] = []
        self._following: dict[uuid.UUID, _Following] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        # What the burst that is being collected may still hold.
        self._room = 0

    def tell(self, body: Body) -> None:
        self._news.append(encode(body))
        self.wake()

    def follow(self, log: LiveLog, after: int = 0) -> None:
        """Set the cursor for this log's generation: everything after number `after`, then live."""
        before = self._following.get(log.generation)
        if before is not None:
            before.log.detach(self.wake)
        if self._window is not None:
            self._window.forget(log.generation)
        if log.rebuilt or after > log.seq or (0 < after < log.seq and log.events[after - 1] is None):
            # No longer the same numbers, beyond the end, or inside what was merged: begin again, as message_start
            # tells the client.
            after = 0
        following = _Following(log, after)
        if before is not None and before.log is log and before.edition == log.edition:
            # What this socket was sent so far arrives before anything new, whatever the reader knew when it asked, and
            # however often: what comes again ends exactly there, and nothing in between may be left out.
            following.sent = max(before.cursor, before.sent)
            if following.sent:
                following.cursor = min(after, following.sent)
        self._following[log.generation] = following
        log.attach(self.wake)
        self.wake()

    def ack(self, generation: uuid.UUID, seq: int) -> None:
        """The reader has applied this generation up to `seq`."""
        if self._window is not None and self._window.ack(generation, seq):
            self.wake()

    def open(self) -> None:
        self._open = True
        self.wake()

    def first(self, body: Body) -> None:
        """Open with this frame, before all news that has come since."""
        self._news.insert(0, encode(body))
        self.open()

    def wake(self) -> None:
        if self._task is None and self._open and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._write())

    def close(self) -> None:
        self._closed = True
        for following in self._following.values():
            following.log.detach(self.wake)
        self._following.clear()
        if self._window is not None:
            self._window.stop_waiting()
        if self._task is not None:
            self._task.cancel()

    async def _write(self) -> None:
        try:
            while not self._closed:
                burst = self._collect()
                if not burst:
                    break
                for text in burst:
                    await self._send(text)
                await asyncio.sleep(settings.FRAME_INTERVAL if self._room > 0 else 0)
        finally:
            self._task = None

    def _collect(self) -> list[str]:
        burst, self._news = self._news, []
        self._room = BURST_CHARACTERS
        for following in list(self._following.values()):
            if self._window is not None and self._window.is_full():
                self._window.wait()
                break
            self._take(following, burst)
            if following.is_done():
                following.log.detach(self.wake)
                del self._following[following.log.generation]
        return burst

    def _take(self, following: _Following, burst: list[str]) -> None:
        log = following.log
        if following.edition != log.edition:
            following.begin_again()
        if log.status is not following.status:
            following.status = log.status
            if log.status is not None:
                burst.append(self._encode_event(log, log.status, None))
        # message_stop is the last frame, also after HTML that takes no number.
        self._take_events(following, burst, log.seq - log.closed)
        while following.html < len(log.html) and self._room > 0 and not self._window_is_full():
            body = log.html[following.html]
            following.html += 1
            if not _is_replaced(log.html, following.html - 1):
                self._add(log, burst, self._encode_event(log, body, None), body["seq"])
        if log.closed and following.html == len(log.html) and not self._window_is_full():
            self._take_events(following, burst, log.seq)

    def _take_events(self, following: _Following, burst: list[str], upto: int) -> None:
        if following.cursor < following.sent:
            self._take_span(following, burst, min(following.sent, upto))
        if following.cursor >= following.sent:
            self._take_span(following, burst, upto)

    def _take_span(self, following: _Following, burst: list[str], upto: int) -> None:
        log = following.log
        for seq, body in bodies(log, following.cursor, upto, self._room):
            if self._room <= 0 or self._window_is_full():
                return
            self._add(log, burst, self._encode_event(log, body, seq), seq)
            following.cursor = seq
            if seq == 1:
                # With message_start the reader drops what it had.
                following.sent = 0

    def _add(self, log: LiveLog, burst: list[str], text: str, seq: int) -> None:
        burst.append(text)
        self._room -= len(text)
        if self._window is not None:
            self._window.sent(log.generation, seq, text)

    def _window_is_full(self) -> bool:
        return self._window is not None and self._window.is_full()


def _is_replaced(html: list[Body], position: int) -> bool:
    """Whether the next rendering takes the place of this one: an open block is rendered up to five times a second."""
    one, after = html[position], html[position + 1 : position + 2]
    return bool(after) and after[0]["index"] == one["index"] and after[0]["start"] <= one["start"]

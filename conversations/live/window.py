"""Flow control of a websocket (DESIGN section 4): what was sent to one reader and is not acknowledged. Used by
`delivery`, which sends nothing of an answer while the window is full.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from django.conf import settings


class Window:
    """Full at `SOCKET_WINDOW_BYTES`, but never with fewer than `SOCKET_WINDOW_FRAMES` frames.

    `too_slow` is called when it was waited for an acknowledgement for `SOCKET_ACK_TIMEOUT` seconds and none came.
    """

    __slots__ = ("_bytes", "_timer", "_too_slow", "_unacked")

    def __init__(self, too_slow: Callable[[], None]) -> None:
        self._too_slow = too_slow
        # (generation, seq, bytes) of each frame, in the order of sending; a list as in `Delivery`.
        self._unacked: list[tuple[uuid.UUID, int, int]] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def sent(self, generation: uuid.UUID, seq: int, text: str) -> None:
        """A frame leaves that the reader will acknowledge with this number."""
        size = len(text) if text.isascii() else len(text.encode())
        self._unacked.append((generation, seq, size))
        self._bytes += size

    def is_full(self) -> bool:
        return (
            self._bytes >= settings.SOCKET_WINDOW_BYTES
            and len(self._unacked) >= settings.SOCKET_WINDOW_FRAMES
        )

    def ack(self, generation: uuid.UUID, seq: int) -> bool:
        """The reader has applied this generation up to `seq`, and so has read everything that was sent before. Returns
        whether that makes room.

        A reader that acknowledges every 64 frames leaves a rest at the end of each answer: the next ack covers it.
        """
        read = 0
        for place, (of, number, _) in enumerate(self._unacked, 1):
            if of == generation and number <= seq:
                read = place
        if read:
            self._bytes -= sum(size for _, _, size in self._unacked[:read])
            del self._unacked[:read]
            self.stop_waiting()
        return read > 0

    def forget(self, generation: uuid.UUID) -> None:
        """The reader begins with this answer anew: what it was sent of it no longer counts."""
        self._unacked = [entry for entry in self._unacked if entry[0] != generation]
        self._bytes = sum(size for _, _, size in self._unacked)
        self.stop_waiting()

    def wait(self) -> None:
        """It is full: from now on the time for an acknowledgement runs, if it does not run yet."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(settings.SOCKET_ACK_TIMEOUT, self._too_slow)

    def stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

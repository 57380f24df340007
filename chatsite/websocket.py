"""One websocket as Daphne has it, with limits on what waits and a short way out for frames. Used by `server`."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from .slow_readers import Patience, hold_little, look_seconds

TOO_MUCH = 1008
TOO_SLOW = 4408
LIMITS = (1008, 1009)
PATIENCE_BYTES = 16 * 1024


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """A websocket whose unread messages do not pile up, on the way in and on the way out (promises M2, M3)."""

    muted: bool
    # Set while the connection does not take what was written; resolved when it is free again or lost.
    _full: asyncio.Future[None] | None = None

    def onOpen(self) -> None:
        super().onOpen()
        # The request that this connection began with was told until now when it is full.
        self.transport.unregisterProducer()
        self.transport.registerProducer(_Brake(self), True)
        hold_little(self.transport)

    async def drained(self) -> None:
        """Returns when there is room for more, or the socket is closing. One that takes nothing at all for
        SOCKET_ACK_TIMEOUT is closed as too slow.
        """
        patience = Patience(self.transport)
        while self._full is not None and self.state == self.STATE_OPEN:
            await asyncio.wait([self._full], timeout=look_seconds())
            if self._full is not None and patience.is_over():
                self.serverClose(code=TOO_SLOW)

    # Bytes of a socket closed for too much that are still looked at, for its answer to the close frame.
    _patience: int | None = None
    _controls = 0
    _controls_since = 0.0

    def dataReceived(self, data: bytes) -> None:
        if self._patience is not None:
            self._patience -= len(data)
            if self._patience < 0:
                return
        super().dataReceived(data)

    def sendCloseFrame(self, code: int | None = None, *args: Any, **kwargs: Any) -> None:
        if code in LIMITS:
            self._patience = PATIENCE_BYTES
        super().sendCloseFrame(code, *args, **kwargs)

    def onPing(self, payload: bytes) -> None:
        if self._may_control():
            super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        if self._may_control():
            super().onPong(payload)

    def _may_control(self) -> bool:
        """Browsers send no pings and answer ours; a program may send as many of both as other messages."""
        now = time.monotonic()
        if now - self._controls_since > 1:
            self._controls, self._controls_since = 0, now
        self._controls += 1
        if self._controls > settings.SOCKET_BURST:
            self.serverClose(code=TOO_MUCH)
            return False
        return True

    def onMessageFrameBegin(self, length: int) -> None:
        # A fragment without a byte counts as one: else a message of them would never reach its limit, nor its end.
        self.message_data_total_length += length == 0
        super().onMessageFrameBegin(length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not self.muted and self.application_queue.qsize() >= settings.SOCKET_QUEUE_MESSAGES:
            self.serverClose(code=TOO_MUCH)
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": TOO_MUCH})
            self.muted = True
        super().onMessage(payload, isBinary)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        """Writes one frame itself: Autobahn would hold it to the limit of incoming ones, at four times the cost.

        A frame for a socket that is closing is dropped.
        """
        if self.state == self.STATE_OPEN:
            payload = content if isinstance(content, bytes) else content.encode()
            self._write(frame_head(len(payload), binary) + payload)

    def _write(self, data: bytes) -> None:
        """At once where nothing waits to be written: the reactor would ask the system three times for one frame."""
        transport = self.transport
        if not (transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting):
            sent = transport.writeSomeData(data)
            if sent == len(data):
                return
            # An exception stands for a lost connection, which the reactor is about to find out as well.
            data = data[sent:] if isinstance(sent, int) else data
        transport.write(data)

    def serverClose(self, code: int | None = None) -> None:
        """Closes with any code; Autobahn keeps 1008, 1009 and 1012 from applications."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code or 1000)


@implementer(IPushProducer)
class _Brake:
    """Hears from the transport when its buffer is full (64 KiB) and when it is empty again."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    def pauseProducing(self) -> None:
        if self._socket._full is None:
            self._socket._full = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:
        full, self._socket._full = self._socket._full, None
        if full is not None and not full.done():
            full.set_result(None)

    def stopProducing(self) -> None:
        self.resumeProducing()


def frame_head(size: int, binary: bool) -> bytes:
    """The first bytes of an unmasked frame that holds a whole message (RFC 6455, section 5.2)."""
    first = 0x82 if binary else 0x81
    if size < 126:
        return bytes((first, size))
    if size < 65536:
        return struct.pack("!BBH", first, 126, size)
    return struct.pack("!BBQ", first, 127, size)


class SocketFactory(WebSocketFactory):  # type: ignore[misc]
    protocol = Socket

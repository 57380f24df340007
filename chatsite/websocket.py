"""One websocket as Daphne has it, with limits on what waits and a short way out for frames. Used by `server`."""

from __future__ import annotations

import struct

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings

TOO_MUCH = 1008


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """A websocket whose unread messages do not pile up (promises M3)."""

    muted: bool

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

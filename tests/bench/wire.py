"""A browser's wire, as cheap as it can be: one POST, one websocket, both straight on asyncio.

The load client shares the cores with what it measures: it notes time and bytes, and looks into them afterwards.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from typing import Any

import msgspec

CSRF = "a" * 32
_ACK_EVERY = 64
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_STOP = b'{"type":"message_stop"'


class _Numbered(msgspec.Struct):
    seq: int = 0
    generation: str = ""


_numbered = msgspec.json.Decoder(_Numbered).decode


def cookies(session: str) -> str:
    return f"sessionid={session}; csrftoken={CSRF}"


class Exchange(asyncio.Protocol):
    """One request on a connection of its own; `answer` is (status, body)."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._received = b""
        self.answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data

    def connection_lost(self, exc: Exception | None) -> None:
        head, _, body = self._received.partition(b"\r\n\r\n")
        if not self.answer.done():
            if head:
                self.answer.set_result((int(head.split(b" ", 2)[1]), body))
            else:
                self.answer.set_exception(ConnectionError(f"no answer ({exc})"))


async def request(
    port: int, method: str, path: str, session: str, fields: dict[str, Any] | None = None
) -> tuple[int, Any]:
    """Status and decoded JSON body."""
    body = b"" if fields is None else msgspec.json.encode(fields)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        f"Cookie: {cookies(session)}\r\nX-CSRFToken: {CSRF}\r\nAccept: application/json\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    _, exchange = await loop.create_connection(lambda: Exchange(head.encode() + body), "127.0.0.1", port)
    status, answer = await exchange.answer
    try:
        return status, msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return status, answer[:200]


class WebSocket(asyncio.Protocol):
    """A page's socket: keeps every text frame with its time, acknowledges every 64th, answers pings."""

    def __init__(self, port: int, path: str, session: str) -> None:
        loop = asyncio.get_running_loop()
        self.frames: list[tuple[float, bytes]] = []
        self.opened: asyncio.Future[None] = loop.create_future()
        """Done with the first frame."""
        self.stopped: asyncio.Future[None] = loop.create_future()
        """Done with `message_stop`, or with an exception when the socket ends before."""
        self._buffer = b""
        self._shaken = False
        self._since_ack = 0
        key = base64.b64encode(os.urandom(16)).decode()
        self._handshake = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"Cookie: {cookies(session)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        buffer = self._buffer + data if self._buffer else data
        if not self._shaken:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = buffer
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(head.split(b"\r\n", 1)[0].decode())
                return
            self._shaken, buffer = True, rest
        position, end = 0, len(buffer)
        while end - position >= 2:
            start, size = position + 2, buffer[position + 1]
            if size == 126:
                if end - position < 4:
                    break
                start, size = position + 4, int.from_bytes(buffer[position + 2 : position + 4])
            elif size == 127:
                if end - position < 10:
                    break
                start, size = position + 10, int.from_bytes(buffer[position + 2 : position + 10])
            if end < start + size:
                break
            self._frame(now, buffer[position] & 15, buffer[start : start + size])
            position = start + size
        self._buffer = buffer[position:]

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection ended ({exc})")

    def send(self, frame: dict[str, Any]) -> None:
        self._write(_TEXT, msgspec.json.encode(frame))

    def close(self) -> None:
        self._transport.abort()

    def _frame(self, now: float, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self.frames.append((now, payload))
            if not self.opened.done():
                self.opened.set_result(None)
            if payload.startswith(_STOP) and not self.stopped.done():
                self.stopped.set_result(None)
            self._since_ack += 1
            if self._since_ack >= _ACK_EVERY:
                last = _numbered(payload)
                if last.seq:
                    self._since_ack = 0
                    self.send({"type": "ack", "generation": last.generation, "seq": last.seq})
        elif opcode == _PING:
            self._write(_PONG, payload)
        elif opcode == _CLOSE:
            self._fail(f"closed with {int.from_bytes(payload[:2])}")

    def _write(self, opcode: int, payload: bytes) -> None:
        # A mask of zeros leaves the payload as it is.
        size = len(payload)
        long = size > 125
        head = struct.pack(
            "!BBH" if long else "!BB", 0x80 | opcode, *((0xFE, size) if long else (0x80 | size,))
        )
        self._transport.write(head + b"\0\0\0\0" + payload)

    def _fail(self, reason: str) -> None:
        for future in (self.opened, self.stopped):
            if not future.done():
                future.set_exception(ConnectionError(reason))
                future.exception()  # looked at here: nobody may be waiting for it


async def open_socket(port: int, path: str, session: str) -> WebSocket:
    """A socket whose first frame has come."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: WebSocket(port, path, session), "127.0.0.1", port)
    await socket.opened
    return socket

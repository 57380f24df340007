"""What a browser does, on bare sockets: requests, a websocket that applies frames as the contract asks, resuming."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import struct
import time
from dataclasses import dataclass, field
from typing import Any

CSRF = "a" * 32
BOUNDARY = "b0undary"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ACK_EVERY = 64


def headers(port: int, session: str, **more: str) -> str:
    found = {
        "Host": f"127.0.0.1:{port}",
        "Origin": f"http://127.0.0.1:{port}",
        "Cookie": f"sessionid={session}; csrftoken={CSRF}",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return "".join(f"{name}: {value}\r\n" for name, value in found.items())


async def request(
    port: int, method: str, path: str, session: str, fields: dict[str, Any] | None = None, seconds: float = 30,
    site: int = 0,
) -> tuple[int, Any]:  # fmt: skip
    """Status and decoded JSON body, or its bytes where it is none. Raises OSError when there is no whole answer. `site`
    is the port the site is known by, where `port` is a proxy's.
    """
    body = b"" if fields is None else json.dumps(fields).encode()
    return await _asked(port, method, path, session, body, "application/json", seconds, site)


async def upload(
    port: int, session: str, name: str, data: bytes, media_type: str, seconds: float = 60
) -> tuple[int, Any]:
    """As `request`, for a file."""
    part = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {media_type}'
    body = f"--{BOUNDARY}\r\n{part}\r\n\r\n".encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
    form = f"multipart/form-data; boundary={BOUNDARY}"
    return await _asked(port, "POST", "/attachments/", session, body, form, seconds)


async def _asked(
    port: int, method: str, path: str, session: str, body: bytes, media_type: str, seconds: float, site: int = 0
) -> tuple[int, Any]:  # fmt: skip
    more = {"X_CSRFToken": CSRF, "Accept": "application/json", "Content_Type": media_type}
    head = f"{method} {path} HTTP/1.1\r\n{headers(site or port, session, Connection='close', **more)}"
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.read()
        finally:
            writer.transport.abort()
    start, found, content = answer.partition(b"\r\n\r\n")
    if not found:
        raise ConnectionError("no answer")
    status = int(start.split(b" ", 2)[1])
    length = next(
        (int(line[15:]) for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:")), None
    )
    if length is not None and len(content) < length:
        raise ConnectionError("half an answer")
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content


@dataclass
class Shown:
    """An answer as one page shows it."""

    text: list[str] = field(default_factory=list)
    seq: int = 0
    stop: dict[str, Any] | None = None
    stops: int = 0
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """(time, characters shown so far) of every delta."""
    begun_again: int = 0

    @property
    def whole(self) -> str:
        return "".join(self.text)

    def before(self, at: float) -> int:
        """Characters that were shown at that time."""
        return max((count for when, count in self.arrivals if when <= at), default=0)


class Page:
    """One open page: connects, resumes what it knows to be running, comes back when the socket breaks until `close`.

    `spread` is how long it waits at most before it comes back.
    """

    def __init__(
        self, port: int, session: str, conversation: str, *, spread: float = 0.2, site: int = 0, ack: bool = True
    ) -> None:  # fmt: skip
        self.port = port
        self.site = site or port
        self.session = session
        self.conversation = conversation
        self.shown: dict[str, Shown] = {}
        self.codes: list[int] = []
        """Close codes, 0 for a broken connection."""
        self.connected: list[float] = []
        self.first_after: list[float] = []
        """Seconds from each connection to its first event."""
        self.spread = spread
        self.ack = ack
        self.news = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._since_ack = 0
        self._fresh = False

    def open(self) -> Page:
        self._task = asyncio.get_running_loop().create_task(self._live())
        return self

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def cut(self) -> None:
        """The connection is reset; the page comes back."""
        if self._writer is not None:
            self._writer.transport.abort()

    def send(self, frame: dict[str, Any]) -> None:
        assert self._writer is not None
        self._writer.write(masked(TEXT, json.dumps(frame).encode()))

    def follow(self, generation: str) -> Shown:
        """Expect this answer: resumed at every connection until its end."""
        found = self.shown.setdefault(generation, Shown())
        if self._writer is not None and self._fresh and found.stop is None:
            self.send({"type": "resume", "generation": generation, "after": found.seq})
        return found

    async def opened(self, seconds: float = 30) -> None:
        """Waits until the socket is open."""
        async with asyncio.timeout(seconds):
            while not self._fresh:
                self.news.clear()
                await self.news.wait()

    async def ended(self, generation: str, seconds: float = 60) -> Shown:
        """Waits for the answer's message_stop."""
        shown = self.follow(generation)
        async with asyncio.timeout(seconds):
            while shown.stop is None:
                self.news.clear()
                await self.news.wait()
        return shown

    async def until(self, generation: str, characters: int, seconds: float = 30) -> Shown:
        """Waits until so much of the answer is shown, or all of it."""
        shown = self.follow(generation)
        async with asyncio.timeout(seconds):
            while shown.stop is None and sum(map(len, shown.text)) < characters:
                self.news.clear()
                await self.news.wait()
        return shown

    async def _live(self) -> None:
        while True:
            try:
                await self._once()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.codes.append(0)
            finally:
                self._fresh = False
                if self._writer is not None:
                    self._writer.transport.abort()
                    self._writer = None
            self.news.set()
            await asyncio.sleep(int.from_bytes(os.urandom(2)) / 65536 * self.spread + 0.02)

    async def _once(self) -> None:
        async with asyncio.timeout(15):
            reader, self._writer = await connect(
                self.port, f"/ws/conversations/{self.conversation}/", self.session, site=self.site
            )
        connected, first = time.time(), True
        self.connected.append(connected)
        self._fresh = True
        self.news.set()
        for generation, shown in self.shown.items():
            if shown.stop is None:
                self.send({"type": "resume", "generation": generation, "after": shown.seq})
        while True:
            opcode, payload = await read_frame(reader)
            if opcode == TEXT:
                applied = self._apply(json.loads(payload))
                if applied and first:
                    first = False
                    self.first_after.append(time.time() - connected)
            elif opcode == PING:
                self._writer.write(masked(PONG, payload))
            elif opcode == CLOSE:
                self.codes.append(int.from_bytes(payload[:2]))
                return

    def _apply(self, frame: dict[str, Any]) -> bool:
        kind, generation = frame["type"], frame.get("generation", "")
        if kind == "conversation":
            for one in frame["running"]:
                if one["generation"] not in self.shown:
                    self.shown[one["generation"]] = Shown()
                    self.send({"type": "resume", "generation": one["generation"], "after": 0})
            return False
        seq = frame.get("seq", 0)
        if not seq or kind == "block_html":
            return False
        shown = self.shown.setdefault(generation, Shown())
        if kind == "message_start":
            if shown.text:
                shown.begun_again += 1
            shown.text.clear()
            shown.stops = 0
        elif seq <= shown.seq:
            return False
        shown.seq = seq
        if kind == "content_block_delta":
            shown.text.append(frame["delta"].get("text", ""))
            total = (shown.arrivals[-1][1] if shown.arrivals and len(shown.text) > 1 else 0) + len(
                shown.text[-1]
            )
            shown.arrivals.append((time.time(), total))
        elif kind == "message_stop":
            shown.stop = frame
            shown.stops += 1
        self._since_ack += 1
        if self.ack and self._since_ack >= ACK_EVERY:
            self._since_ack = 0
            self.send({"type": "ack", "generation": generation, "seq": seq})
        self.news.set()
        return True


async def connect(
    port: int, path: str, session: str, *, site: int = 0, buffer: int = 0
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket after its handshake. Raises ConnectionError when it is refused; `buffer`: bytes read ahead."""
    options = {"limit": buffer} if buffer else {"limit": 1 << 20}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": key,
        "Sec_WebSocket_Version": "13",
    }
    writer.write(f"GET {path} HTTP/1.1\r\n{headers(site or port, session, **upgrade)}\r\n".encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except BaseException:
        writer.transport.abort()
        raise
    if not head.startswith(b"HTTP/1.1 101"):
        writer.transport.abort()
        raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
    return reader, writer


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the next frame."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2))
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8))
    return first & 15, await reader.readexactly(size)


def masked(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """A client's frame; a mask of zeros leaves the payload as it is."""
    first, size = (0x80 if fin else 0) | opcode, len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + b"\0\0\0\0" + payload


async def close_code(reader: asyncio.StreamReader, seconds: float = 30) -> int:
    """Reads to the end: the close code, 0 when the connection just ends."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        async with asyncio.timeout(seconds):
            while True:
                opcode, payload = await read_frame(reader)
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2])
    return 0

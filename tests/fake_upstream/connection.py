"""One connection of the fake upstream: reads one request, plays its script, notes what happened in the ledger."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from tests import patience
from tests.fake_upstream import wire
from tests.fake_upstream.steps import (
    Close,
    Drip,
    Hang,
    Head,
    Load,
    Raw,
    Repeat,
    Reply,
    Reset,
    Sleep,
    Step,
    Told,
)

_LOAD_TAIL = ' "}}\n\n'


@dataclass
class Call:
    """One request as the server saw it; `closed` is set when its connection has ended, `client_left` when the
    client ended it.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    received_at: float = field(default_factory=time.time)
    bytes_sent: int = 0
    finished: bool = False
    client_left: bool = False
    closed_at: float = 0.0
    closed: threading.Event = field(default_factory=threading.Event)

    async def ended(self, seconds: float = patience.SECONDS) -> bool:
        """Waits until the connection is closed, without holding up the caller's loop."""
        return await asyncio.to_thread(self.closed.wait, seconds)

    def as_dict(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for name in (
                "method",
                "path",
                "headers",
                "body",
                "received_at",
                "bytes_sent",
                "finished",
                "client_left",
                "closed_at",
            )
        }


class Connection(asyncio.Protocol):
    """One connection, one request, one script."""

    def __init__(self, received: Callable[[Call], list[Step]], connections: set[Connection]) -> None:
        self._ask = received
        self._connections = connections
        self._received = bytearray()
        self._call: Call | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = asyncio.Event()
        self._chunked = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._call is not None:
            return
        self._received += data
        if self._received.startswith(b"\x16\x03"):  # somebody tries TLS: plain web servers answer like this
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()
            return
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        lines = self._received[:head_end].decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        if len(self._received) < head_end + 4 + int(headers.get("content-length", 0)):
            return
        method, path, _ = lines[0].split(" ", 2)
        body = json.loads(self._received[head_end + 4 :] or b"{}")
        self._call = Call(method, path, headers, body)
        self._task = asyncio.get_running_loop().create_task(self._play(self._ask(self._call)))

    def eof_received(self) -> bool:
        if self._call is not None:
            self._call.client_left = not self._call.finished
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._gone.set()
        self._writable.set()
        if self._call is not None:
            self._call.client_left = self._call.client_left or (exc is not None and not self._call.finished)
            self._call.closed_at = time.time()
            self._call.closed.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def abort(self) -> None:
        self._transport.abort()

    async def _play(self, steps: list[Step]) -> None:
        assert self._call is not None
        for step in steps:
            if self._gone.is_set():
                return
            match step:
                case bytes():
                    await self._send(step)
                case Head():
                    self._chunked = step.chunked
                    await self._write(step.raw)
                case Reply() | Raw():
                    await self._write(step.raw if isinstance(step, Reply) else step.data)
                    self._chunked = False
                case Sleep():
                    await self._pause(step.seconds)
                case Hang():
                    await self._gone.wait()
                case Reset():
                    self._reset()
                    return
                case Close():
                    self._chunked = False
                case Repeat():
                    await self._repeat(step)
                case Drip():
                    await self._drip(step)
                case Load():
                    await self._load(step)
                case Told():
                    await self._told(step)
        if not self._gone.is_set():
            if self._chunked:
                await self._write(b"0\r\n\r\n")
            self._call.finished = True
            self._transport.close()

    async def _send(self, data: bytes) -> None:
        await self._write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def _write(self, data: bytes) -> None:
        assert self._call is not None
        self._transport.write(data)
        self._call.bytes_sent += len(data)
        if not self._writable.is_set():
            await self._writable.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            pass

    async def _repeat(self, step: Repeat) -> None:
        sent = 0
        while not self._gone.is_set() and (step.times is None or sent < step.times):
            await self._send(step.data)
            sent += 1
            await self._pause(step.seconds)

    async def _drip(self, step: Drip) -> None:
        for position in range(0, len(step.data), step.size):
            if self._gone.is_set():
                return
            await self._send(step.data[position : position + step.size])
            await self._pause(step.seconds)

    async def _told(self, step: Told) -> None:
        while not self._gone.is_set():
            try:
                piece = step.pieces.get_nowait()
            except Empty:
                await self._pause(0.005)
                continue
            if piece is None:
                return
            await self._send(piece)

    async def _load(self, step: Load) -> None:
        loop = asyncio.get_running_loop()
        prefix = wire.text_delta("").decode().removesuffix(_LOAD_TAIL.lstrip())
        await self._send(wire.message_start() + wire.block_start())
        if step.interval:
            started = loop.time()
            for number in range(step.deltas):
                await asyncio.sleep(max(0.0, started + number * step.interval - loop.time()))
                if self._gone.is_set():
                    return
                await self._send(f"{prefix}{number} {time.time():.6f}{_LOAD_TAIL}".encode())
        else:
            for first in range(0, step.deltas, 100):
                if self._gone.is_set():
                    return
                numbers = range(first, min(first + 100, step.deltas))
                tail = f" {time.time():.6f}{_LOAD_TAIL}"
                await self._send("".join([f"{prefix}{number}{tail}" for number in numbers]).encode())
                await asyncio.sleep(0)
        await self._send(wire.block_stop() + wire.message_end(output_tokens=step.deltas))

    def _reset(self) -> None:
        plain = self._transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

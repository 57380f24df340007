"""A websocket and a stream of Server-Sent Events of the real ASGI application, running in the engine's loop."""

from __future__ import annotations

import asyncio
import json
import queue
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from tests import patience

from .engine import EngineLoop

Frame = dict[str, Any]


class _Connection:
    """One ASGI scope. What the application sends is queued for the test; the application ends with the connection."""

    def __init__(self, engine: EngineLoop, scope: dict[str, Any]) -> None:
        # Loaded late: importing it sets Django up.
        from chatsite.asgi import application

        self._engine = engine
        self._sent: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def send(message: dict[str, Any]) -> None:
            self._sent.put(message)

        async def live() -> None:
            try:
                await application(scope, self._received.get, send)
            finally:
                self._sent.put(None)

        engine.spawn(live())

    def _put(self, message: dict[str, Any]) -> None:
        self._engine.loop.call_soon_threadsafe(self._received.put_nowait, message)

    def _get(self, seconds: float) -> dict[str, Any] | None:
        """The next message; None at the application's end. Raises AssertionError when none comes in time."""
        try:
            return self._sent.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"Nothing came within {seconds} s.") from None


class Refused(Exception):
    """The handshake was not accepted."""


class Socket(_Connection):
    """An open websocket of one person. Raises Refused when the site does not accept it."""

    def __init__(
        self, engine: EngineLoop, client: Client | None, path: str, origin: str | None = "http://testserver"
    ) -> None:
        headers = [(b"host", b"testserver")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        if client is not None:
            headers.append((b"cookie", _cookies(client)))
        super().__init__(
            engine,
            {
                "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
                "subprotocols": [], "client": ("127.0.0.1", 1), "server": ("testserver", 80),
            },
        )  # fmt: skip
        self.code: int | None = None
        self._unacked = 0
        self._put({"type": "websocket.connect"})
        message = self._get(patience.SECONDS)
        if message is None or message["type"] != "websocket.accept":
            raise Refused

    def send(self, frame: Frame | str | bytes) -> None:
        if isinstance(frame, bytes):
            self._put({"type": "websocket.receive", "bytes": frame})
        else:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            self._put({"type": "websocket.receive", "text": text})

    def frame(self, seconds: float = patience.SECONDS) -> Frame:
        """The next frame. Raises AssertionError when the socket closes or none comes in time."""
        message = self._get(seconds)
        if message is None or message["type"] == "websocket.close":
            self.code = message.get("code", 1000) if message else self.code
            raise AssertionError(f"The socket was closed ({self.code}).")
        frame: Frame = json.loads(message["text"])
        assert next(iter(frame)) == "type"
        return frame

    def until(self, type: str) -> list[Frame]:
        """All frames up to and including the first of this type; acknowledges as late as the contract allows."""
        deadline = time.monotonic() + patience.SECONDS
        frames = []
        while not frames or frames[-1]["type"] != type:
            frames.append(self.frame(max(0.0, deadline - time.monotonic())))
            self._unacked += "seq" in frames[-1]
            if self._unacked == 64:
                self._unacked = 0
                self.ack(frames[-1]["generation"], frames[-1]["seq"])
        return frames

    def ack(self, generation: str, seq: int) -> None:
        self.send({"type": "ack", "generation": generation, "seq": seq})

    def next(self, type: str) -> Frame:
        """The next frame of this type; others are dropped."""
        return self.until(type)[-1]

    def closed(self) -> int:
        """Waits until the site closes this socket and returns the code; frames on the way are dropped."""
        deadline = time.monotonic() + patience.SECONDS
        while True:
            message = self._get(max(0.0, deadline - time.monotonic()))
            assert message is not None, "The application ended without a close."
            if message["type"] == "websocket.close":
                return int(message.get("code") or 1000)

    def waiting(self) -> int:
        """How many frames lie here unread."""
        return self._sent.qsize()

    def close(self) -> None:
        self._put({"type": "websocket.disconnect", "code": 1001})

    def resume(self, generation: str, after: int) -> None:
        self.send({"type": "resume", "generation": generation, "after": after})


class EventStream(_Connection):
    """GET of an address in the loop, as an iterator of the Server-Sent Events in its body."""

    def __init__(self, engine: EngineLoop, client: Client, url: str, **headers: str) -> None:
        parts = urlsplit(url)
        lines = [(b"host", b"testserver"), (b"cookie", _cookies(client)), (b"accept", b"text/event-stream")]
        lines += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        super().__init__(
            engine,
            {
                "type": "http", "method": "GET", "path": parts.path, "raw_path": parts.path.encode(),
                "query_string": parts.query.encode(), "headers": lines, "http_version": "1.1", "scheme": "http",
                "client": ("127.0.0.1", 1), "server": ("testserver", 80),
            },
        )  # fmt: skip
        self._put({"type": "http.request", "body": b"", "more_body": False})
        start = self._get(patience.SECONDS)
        assert start is not None
        self.status: int = start["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}

    def __iter__(self) -> Iterator[tuple[str | None, str, Frame]]:
        """(id, event, data) of every event until the stream ends; comments are left out."""
        buffer = ""
        while (message := self._get(patience.SECONDS)) is not None:
            buffer += message.get("body", b"").decode()
            while "\n\n" in buffer:
                text, buffer = buffer.split("\n\n", 1)
                fields = dict(line.split(": ", 1) for line in text.split("\n") if not line.startswith(":"))
                if fields:
                    yield fields.get("id"), fields["event"], json.loads(fields["data"])
            if not message.get("more_body"):
                break
        assert buffer == ""

    def close(self) -> None:
        self._put({"type": "http.disconnect"})


def _cookies(client: Client) -> bytes:
    found = client.cookies.get(settings.SESSION_COOKIE_NAME)
    return f"{settings.SESSION_COOKIE_NAME}={found.value}".encode() if found else b""

"""The words of a script: bytes are sent, the rest says what else happens on the connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue


@dataclass(frozen=True)
class Head:
    """The response head. Without `chunked` the body ends with the connection, unless `headers` has a content-length."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunked: bool = True

    @property
    def raw(self) -> bytes:
        headers = {"content-type": "text/event-stream", "request-id": "req_fake"} | self.headers
        if self.chunked:
            headers["transfer-encoding"] = "chunked"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Scripted\r\n{lines}\r\n".encode()


@dataclass(frozen=True)
class Reply:
    """A whole response with a body that is not a stream."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def raw(self) -> bytes:
        headers = {"content-type": self.content_type, "content-length": str(len(self.body)), **self.headers}
        return Head(self.status, headers, chunked=False).raw + self.body


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, outside any chunk."""

    data: bytes


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Hang:
    """Silence until the client goes away."""


@dataclass(frozen=True)
class Reset:
    """A TCP reset."""


@dataclass(frozen=True)
class Close:
    """The end of the connection without the last chunk."""


@dataclass(frozen=True)
class Repeat:
    """`data` every `seconds`, for ever or `times` times; 0 seconds means as fast as the client reads."""

    data: bytes
    seconds: float = 0.0
    times: int | None = None


@dataclass(frozen=True)
class Drip:
    """`data` in pieces of `size` bytes, each in a packet of its own, `seconds` apart."""

    data: bytes
    seconds: float = 0.0
    size: int = 1


@dataclass(frozen=True)
class Load:
    """`deltas` text deltas, `interval` seconds apart (0: unthrottled), each with its number and its time of sending."""

    deltas: int
    interval: float


@dataclass(frozen=True)
class Told:
    """Bytes that the test gives while the request waits: `give` sends some, `end` lets the script go on."""

    pieces: SimpleQueue[bytes | None] = field(default_factory=SimpleQueue)

    def give(self, data: bytes) -> None:
        self.pieces.put(data)

    def end(self) -> None:
        self.pieces.put(None)


Step = bytes | Head | Reply | Raw | Sleep | Hang | Reset | Close | Repeat | Drip | Load | Told

"""Websocket frames that break the protocol, byte by byte against a whole server (promises W16 to W18)."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from tests import patience
from tests.running_site import RunningSite

from .person import Visitor

pytestmark = pytest.mark.slow
FIN, RSV1 = 0x80, 0x40
TEXT, BINARY, RESERVED, CLOSE = 0x1, 0x2, 0x3, 0x8


@pytest.fixture(scope="module")
def site(prepared_site: Callable[..., RunningSite]) -> Iterator[RunningSite]:
    with prepared_site("wire") as running:
        yield running


@pytest.fixture
def visitor(site: RunningSite) -> Visitor:
    return Visitor(site)


def open_socket(visitor: Visitor, *headers: str) -> tuple[socket.socket, str]:
    """A websocket on `/ws/` and the server's answer to its handshake."""
    connection = socket.create_connection(("127.0.0.1", visitor.site.port), timeout=patience.SECONDS)
    lines = [
        "GET /ws/ HTTP/1.1", f"Host: 127.0.0.1:{visitor.site.port}", "Upgrade: websocket",
        "Connection: Upgrade", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13", f"Origin: {visitor.site.url}",
        f"Cookie: sessionid={visitor.http.cookies['sessionid']}", *headers,
    ]  # fmt: skip
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1)
    return connection, answer.decode()


def frame(first: int, payload: bytes, *, masked: bool = True) -> bytes:
    """One frame with this first byte."""
    assert len(payload) < 126
    mask = os.urandom(4)
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if masked else payload
    return bytes([first, len(payload) | (0x80 if masked else 0)]) + (mask if masked else b"") + body


def close_code(connection: socket.socket) -> int:
    """The code of the server's close frame; other frames before it are skipped."""
    with connection, connection.makefile("rb") as stream:
        while True:
            first, length = struct.unpack("!BB", stream.read(2))
            if length == 126:
                (length,) = struct.unpack("!H", stream.read(2))
            payload = stream.read(length)
            if first & 0x0F == CLOSE:
                return int(struct.unpack("!H", payload[:2])[0])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(FIN | TEXT, b"{}", masked=False), 1002),
        (frame(FIN | RSV1 | TEXT, b"{}"), 1002),
        (frame(FIN | RESERVED, b"{}"), 1002),
        (frame(FIN | TEXT, b"\xff\xfe"), 1007),
        (frame(FIN | BINARY, b"\x00\x01"), 1003),
    ],
    ids=["unmasked", "reserved bit", "reserved opcode", "no UTF-8", "binary"],
)
def test_a_frame_that_breaks_the_protocol_closes_this_socket_alone(
    visitor: Visitor, sent: bytes, code: int
) -> None:
    connection, answer = open_socket(visitor)
    assert answer.startswith("HTTP/1.1 101 ")
    connection.sendall(sent)
    assert close_code(connection) == code
    assert visitor.http.get("/healthz").status_code == 200


def test_compression_is_offered_in_vain(visitor: Visitor) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    connection, answer = open_socket(visitor, offer)
    with connection:
        assert answer.startswith("HTTP/1.1 101 ")
        assert "permessage-deflate" not in answer

"""Clients that send slowly or too much at once, or read slowly or not at all (promises M2, H12)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import patience

from .bare_server import BareServer, serving

REQUEST_SECONDS = 1.5
UPLOADS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareServer]:
    settings = {"CHATSITE_REQUEST_SECONDS": str(REQUEST_SECONDS), "CHATSITE_UPLOADS_AT_ONCE": str(UPLOADS)}
    with serving(tmp_path_factory.mktemp("data"), **settings) as running:
        yield running


def until_closed(connection: socket.socket, trickle: bytes) -> float:
    """Sends a byte every 0.1 s; seconds until the other side has hung up."""
    connection.settimeout(0.1)
    began = time.monotonic()
    while time.monotonic() - began < 15:
        try:
            connection.send(trickle)
            if connection.recv(1000) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began
    raise AssertionError("The connection stayed open.")


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n",
    ],
    ids=["nothing", "line", "headers", "body"],
)
def test_bytes_that_trickle_in_do_not_hold_a_connection(server: BareServer, beginning: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(beginning)
        assert until_closed(connection, b"x") < REQUEST_SECONDS * 3


def test_a_client_that_does_not_read_costs_no_memory_and_is_dropped(server: BareServer) -> None:
    before = server.memory()
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + patience.SECONDS
        largest = 0.0
        connection.settimeout(0.1)
        while time.monotonic() < deadline:
            largest = max(largest, server.memory() - before)
            # Reads nothing, only looks whether the connection still lives.
            if not is_open(connection):
                break
            time.sleep(0.1)
        else:
            raise AssertionError("The connection was not dropped.")
    assert largest < 32


def is_open(connection: socket.socket) -> bool:
    return not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def test_an_event_stream_that_nobody_reads_is_cut_as_a_websocket_would_be(tmp_path: Path) -> None:
    request = b"GET /events/ HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(tmp_path, CHATSITE_SOCKET_ACK_TIMEOUT="1.5") as server:
        before, began = server.memory(), time.monotonic()
        stalled = [server.connect() for _ in range(10)]
        slow = server.connect()
        for connection in [*stalled, slow]:
            connection.sendall(request)
        while any(is_open(one) for one in stalled):
            assert time.monotonic() - began < 60, "A stalled stream stayed open."
            assert server.memory() - before < 8
            # Somebody with a bad line takes what there is, now and then.
            slow.recv(1 << 20)
            time.sleep(0.2)
        assert time.monotonic() - began > 1.5
        assert is_open(slow)
        for connection in [*stalled, slow]:
            connection.close()


@pytest.mark.parametrize("path", ["/", "/events/"])
def test_a_client_that_reads_gets_everything(server: BareServer, path: str) -> None:
    before, received = server.memory(), 0
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        connection.settimeout(patience.SECONDS)
        while data := connection.recv(1 << 20):
            received += len(data)
    assert received > 3200 * 65536
    assert server.memory() - before < 32


def begin_upload(server: BareServer, path: str = "/attachments/") -> tuple[socket.socket, bytes]:
    """A connection that has told its headers, and the first line that it heard: `Expect` makes the server answer."""
    connection = server.connect()
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nCookie: sessionid=x\r\nConnection: close\r\n"
        "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n".encode()
    )
    return connection, connection.recv(1000)


def end_upload(connection: socket.socket) -> bytes:
    connection.sendall(b"file")
    answer = b""
    while data := connection.recv(1000):
        answer += data
    connection.close()
    return answer


def test_one_upload_too_many_is_told_when_to_come_again(server: BareServer) -> None:
    held = [begin_upload(server) for _ in range(UPLOADS)]
    assert all(heard.startswith(b"HTTP/1.1 100 ") for _, heard in held)
    refused, heard = begin_upload(server)
    refused.close()
    assert heard.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 2\r\n" in heard
    assert b'"message":"Many files are being uploaded right now.' in heard
    other, heard = begin_upload(server, "/conversations/")
    other.close()
    assert heard.startswith(b"HTTP/1.1 100 "), "only uploads are counted"
    assert end_upload(held[0][0]).startswith(b"HTTP/1.1 201 ")
    again, heard = begin_upload(server)
    assert heard.startswith(b"HTTP/1.1 100 "), "an answered upload has made room"
    # One is given up, the other one finished: the server hears of the first when it hears of it.
    held[1][0].close()
    assert end_upload(again).startswith(b"HTTP/1.1 201 ")
    deadline = time.monotonic() + patience.SECONDS
    while True:
        last = [begin_upload(server) for _ in range(UPLOADS)]
        for connection, _ in last:
            connection.close()
        if all(heard.startswith(b"HTTP/1.1 100 ") for _, heard in last):
            break
        assert time.monotonic() < deadline, "an upload that was given up still counts"

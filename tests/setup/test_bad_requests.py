"""Requests that are too much or never whole are answered before the connection closes (promises H09, H10, H13)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from .bare_server import BareServer, serving

SILENCE = 2.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareServer]:
    data = tmp_path_factory.mktemp("data")
    with serving(data, CHATSITE_BODY_SILENCE_SECONDS=str(SILENCE)) as running:
        yield running


def answer_to(server: BareServer, *pieces: bytes, pause: float = 0) -> bytes:
    """All that comes back until the server hangs up."""
    with server.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        found = b""
        while data := connection.recv(65536):
            found += data
    return found


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /attachments/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status", "type"),
    [
        (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (b"GET /" + b"a" * 16_380 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (HEAD + b"X-A: " + b"a" * 16_500 + b"\r\n\r\n", 431, "headers_too_large"),
        (HEAD + (b"X-A: " + b"a" * 1000 + b"\r\n") * 17 + b"\r\n", 431, "headers_too_large"),
        (HEAD + b"A: b\r\n" * 600 + b"\r\n", 431, "headers_too_large"),
        (HEAD + b"no colon\r\n\r\n", 400, "invalid_request"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400, "invalid_request"),
        (HEAD + b"Transfer-Encoding: identity\r\n\r\n", 400, "invalid_request"),
        (
            HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            400,
            "invalid_request",
        ),
        (HEAD + b"Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", 400, "invalid_request"),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 3000000\r\n\r\n", 413, "request_too_large"),
    ],
    ids=range(11),
)
def test_what_is_too_much_or_malformed_is_answered_once(
    server: BareServer, request_: bytes, status: int, type: str
) -> None:
    answer = answer_to(server, request_ + NEXT)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1, "nothing that follows is taken for a request"
    head, body = answer.split(b"\r\n\r\n")
    assert b"Connection: close" in head and b"Content-Length: %d" % len(body) in head
    assert b'{"error":{"type":"%b","message":' % type.encode() in body
    for name, value in settings.SECURITY_HEADERS.items():
        assert f"{name}: {value}".encode() in head


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /?q=\xc3\xa9 HTTP/1.1\r\nHost: x\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: \x0b\r\n",
        b"GET / HTTP/1.1\r\n",
        b"GET http://y/ HTTP/1.1\r\nHost: x\r\n",
    ],
    ids=["query", "path", "header value", "no host", "host in the line"],
)
def test_what_daphne_refuses_reads_as_every_other_refusal(server: BareServer, request_: bytes) -> None:
    head, _, body = answer_to(server, request_ + b"Connection: close\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"Content-Type: application/json" in head
    assert json.loads(body) == {"error": {"type": "invalid_request", "message": "The request is not valid."}}
    for name, value in settings.SECURITY_HEADERS.items():
        assert f"{name}: {value}".encode() in head


def test_who_does_not_say_which_site_is_meant_is_refused_unless_the_protocol_is_older(
    server: BareServer,
) -> None:
    for line, answer in ((b"HTTP/1.1", b"HTTP/1.1 400 "), (b"HTTP/1.0", b"HTTP/1.0 200 ")):
        with server.connect() as connection:
            connection.sendall(b"GET /events/ " + line + b"\r\n\r\n")
            assert connection.recv(len(answer), socket.MSG_WAITALL) == answer


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    ],
    ids=["length too large", "lines without CR"],
)
def test_a_body_that_never_ends_is_not_waited_for(server: BareServer, request_: bytes) -> None:
    answer = answer_to(server, request_)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"type":"request_incomplete"' in answer


def test_a_body_that_comes_in_small_pieces_is_waited_for(server: BareServer) -> None:
    head = b"POST /attachments/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\n"
    answer = answer_to(server, head, *[b"x"] * 6, pause=SILENCE / 3)
    assert answer.startswith(b"HTTP/1.1 201 ")

"""An httpx transport for long streamed answers: one connection per request, straight on asyncio. Used by the client
and for the list of models.

httpcore's pool and anyio cost 35 µs per network read and milliseconds per request in a storm; a relay reads
once per delta. Nothing is pooled, redirected, unpacked or taken from the environment here, so there is little
to configure and no stale connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache

import certifi
import h11
import httpx

from .chunked import ChunkedDecoder
from .connection import Connection

_MAX_HEAD_BYTES = 64 * 1024


@lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """Certificates of the machine and of certifi, so that an organisation's own authority works; made once,
    it takes milliseconds.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends a request with a body in memory and hands out the raw response stream. Raises httpx's transport errors."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Connects, sends, reads the response head. `request.extensions["timeout"]` bounds `connect`
        and `read` (of the head) in seconds; the body's reader has bounds of his own.
        """
        connection = await _connect(request)
        try:
            protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
            head = protocol.send(
                h11.Request(method=request.method, target=request.url.raw_path, headers=_headers(request))
            )
            connection.write((head or b"") + request.content)
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                response = await _read_head(protocol, connection)
        except TimeoutError as error:
            connection.abort()
            raise httpx.ReadTimeout("no answer in time") from error
        except h11.ProtocolError as error:
            connection.abort()
            raise httpx.RemoteProtocolError(str(error)) from error
        except BaseException:
            connection.abort()
            raise
        headers = [(name, value) for name, value in response.headers]
        body = _Body(connection, protocol.trailing_data[0], response)
        return httpx.Response(response.status_code, headers=headers, stream=body, request=request)


class _Body(httpx.AsyncByteStream):
    """The response body without its framing. Iterating raises httpx.RemoteProtocolError where the body ends
    too early.
    """

    def __init__(self, connection: Connection, first: bytes, response: h11.Response) -> None:
        self._connection = connection
        self._first = first
        self._chunked: ChunkedDecoder | None = None
        self._left: int | None = None
        headers = dict(response.headers)
        if headers.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
            self._chunked = ChunkedDecoder()
        elif b"content-length" in headers:
            self._left = int(headers[b"content-length"])
        elif response.status_code in {204, 304}:
            self._left = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._left == 0 or (self._chunked is not None and self._chunked.done):
                raise StopAsyncIteration
            if self._chunked is not None and self._chunked.broken:
                raise httpx.RemoteProtocolError("a chunk without a size")
            data, self._first = self._first, b""
            if not data:
                data = await self._connection.read()
                if not data:
                    if self._left is not None or self._chunked is not None:
                        raise httpx.RemoteProtocolError("the body ended too early")
                    raise StopAsyncIteration
            if self._chunked is not None:
                data = self._chunked.feed(data)
            elif self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            if data:
                return data

    async def aclose(self) -> None:
        self._connection.abort()


async def _connect(request: httpx.Request) -> Connection:
    url = request.url
    secure = url.scheme == "https"
    loop = asyncio.get_running_loop()
    seconds = request.extensions["timeout"]["connect"]
    connecting = loop.create_task(
        loop.create_connection(
            Connection,
            url.host,
            url.port or (443 if secure else 80),
            ssl=ssl_context() if secure else None,
            server_hostname=url.host if secure else None,
            happy_eyeballs_delay=0.25,
        )
    )
    try:
        async with asyncio.timeout(seconds):
            _, connection = await asyncio.shield(connecting)
    except asyncio.CancelledError:
        # asyncio loses a socket whose connecting is cancelled as it succeeds: let it succeed, then hang up.
        connecting.add_done_callback(_hang_up)
        loop.call_later(seconds, connecting.cancel)
        raise
    except TimeoutError as error:
        # It may have succeeded in this very moment.
        connecting.add_done_callback(_hang_up)
        connecting.cancel()
        raise httpx.ConnectTimeout("no connection in time") from error
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error)) from error
    return connection


def _hang_up(connecting: asyncio.Task[tuple[asyncio.Transport, Connection]]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result()[1].abort()


async def _read_head(protocol: h11.Connection, connection: Connection) -> h11.Response:
    while True:
        event = protocol.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            data = await connection.read()
            if not data:
                raise httpx.RemoteProtocolError("the server closed the connection without an answer")
            protocol.receive_data(data)


def _headers(request: httpx.Request) -> list[tuple[bytes, bytes]]:
    return [*request.headers.raw, (b"Connection", b"close")]

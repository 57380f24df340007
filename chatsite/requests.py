"""One HTTP request as Daphne receives it, with limits that hold before anything is kept (promises M1, M2,
H09-H13).

Used by `server` alone. Twisted calls the camelCase methods.
"""

from __future__ import annotations

import asyncio
import time
from io import BytesIO
from typing import Any, ClassVar

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from twisted.web import http

from . import errors, known_sessions
from .channel import CROWDED, LINGER_SECONDS, NO_ROOM, NOT_WHOLE, TOO_LARGE, Channel, reactor
from .handler import UPLOADS
from .slow_readers import Patience, hold_little, look_seconds

# A body that brings less than this in REQUEST_SECONDS is a stalled or a hostile one.
PROGRESS_BYTES = 64 * 1024
# Names of websocket protocols that a handshake may list.
PROTOCOLS_BYTES = 1024
# Of an event stream, written but not yet taken by the kernel; then the stream waits.
STREAM_BYTES = 16 * 1024


class Request(WebRequest):  # type: ignore[misc]
    """Refuses a large body while it arrives, and lets a stream wait for a slow reader."""

    _received = 0
    _credited = 0
    _refused = False
    # When something of the body came last; None before it and after it.
    _heard: float | None = None
    _waiting: asyncio.Future[None] | None = None
    _waiting_since = 0.0
    _is_of_somebody = False
    # Those whose body may be large, from their headers to the end of their answer: memory and disk hold so many.
    _uploads: ClassVar[set[Request]] = set()

    # The body, on its way in.

    def gotLength(self, length: int | None) -> None:
        self._heard = time.monotonic()
        self._limit = (
            settings.UPLOAD_REQUEST_MAX_BYTES if self._is_upload() else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        )
        if length is not None and length > self._limit:
            self._refuse()
        elif length != 0 and self._is_upload() and not self._has_room():
            self._refuse(CROWDED)
        else:
            try:
                super().gotLength(length)
            except OSError:
                # A large one is kept in a file.
                self._refuse(NO_ROOM)

    def _has_room(self) -> bool:
        """People whose session is known find a place also where invented sessions hold all the others."""
        session = self.received_cookies[settings.SESSION_COOKIE_NAME.encode()]
        self._is_of_somebody = known_sessions.is_known(session.decode("latin1"))
        ahead = [one for one in self._uploads if one._is_of_somebody or not self._is_of_somebody]
        if len(ahead) >= settings.UPLOADS_AT_ONCE:
            return False
        self._uploads.add(self)
        return True

    def _is_upload(self) -> bool:
        path = getattr(self.channel, "_path", b"").split(b"?", 1)[0]
        # Only a person with a session may send files; whether it is valid is asked later, at less cost than
        # 30 MiB.
        return path == UPLOADS.encode() and settings.SESSION_COOKIE_NAME.encode() in self.received_cookies

    def handleContentChunk(self, data: bytes) -> None:
        if self._refused:
            return
        self._heard = time.monotonic()
        self._received += len(data)
        if self._received > self._limit:
            self._refuse()
            return
        if self._received - self._credited >= PROGRESS_BYTES:
            self._credited = self._received
            self.channel.setTimeout(settings.REQUEST_SECONDS)
        try:
            super().handleContentChunk(data)
        except OSError:
            # Large bodies wait in a temporary file, and the disk is full.
            self._refuse(NO_ROOM)

    def _refuse(self, answer: bytes = TOO_LARGE) -> None:
        """Answers at once, then reads on for a moment without keeping anything: closing with unread data would
        reset the connection before the client has seen the answer.
        """
        self._refused, self._heard = True, None
        self._uploads.discard(self)
        self.content = BytesIO()
        self.channel.persistent = False
        # Or Twisted would ask for the body all the same, after the answer.
        self.requestHeaders.removeHeader(b"Expect")
        self.channel.transport.write(answer)
        reactor.callLater(LINGER_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        if self.channel is not None:
            self.channel.loseConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self._heard = None
        if self._refused:
            self._hang_up()
            return
        # Twisted would parse the form as well; Django does it once, with limits.
        self._parsePOSTFormSubmission = False
        super().requestReceived(command, path, version)

    def process(self) -> Any:
        # Daphne would believe anybody who says where the site begins.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        if self._is_ambiguous() or self._has_odd_protocols():
            self.basic_error(400, b"Bad Request", "Invalid request")
            return None
        return super().process()

    def _is_ambiguous(self) -> bool:
        """Two hosts, or a host in the request line, are two meanings, and none is no meaning (but for HTTP/1.0, which
        probes speak)."""
        hosts = self.requestHeaders.getRawHeaders(b"Host", [])
        port = hosts[0].rpartition(b":")[2] if len(hosts) == 1 and not hosts[0].endswith(b"]") else b""
        return (
            len(hosts) > 1
            or (not hosts and self.clientproto != b"HTTP/1.0")
            or (port.isdigit() and int(port[:6]) > 65535)
            or not self.path.startswith(b"/")
        )

    def _has_odd_protocols(self) -> bool:
        """The site's sockets have no protocols. A name that is no ASCII would end the handshake in an exception; an
        empty one, or a list without end, comes from no browser."""
        values = self.requestHeaders.getRawHeaders(b"Sec-WebSocket-Protocol", [])
        listed = b",".join(values)
        return bool(values) and (
            not listed.isascii()
            or len(listed) > PROTOCOLS_BYTES
            or not all(name.strip() for name in listed.split(b","))
        )

    # The answer, on its way out.

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """What Daphne refuses, or fails at: its own page has neither the site's words nor its headers."""
        said = errors.unseen(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(said))}
        raw = [
            (name.encode(), value.encode()) for name, value in (headers | settings.SECURITY_HEADERS).items()
        ]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": raw})
        self.handle_reply({"type": "http.response.body", "body": said})

    def handle_reply(self, message: dict[str, Any]) -> None:
        streams = message["type"] == "http.response.body" and message.get("more_body")
        if streams and self.producer is None and self.channel is not None and not self.finished:
            self.registerProducer(self, True)
            if self._is_event_stream():
                hold_little(self.channel.transport)
                self.channel.transport.bufferSize = STREAM_BYTES
        super().handle_reply(message)

    def _is_event_stream(self) -> bool:
        kinds = self.responseHeaders.getRawHeaders(b"Content-Type", [b""])
        return bool(kinds[0].startswith(b"text/event-stream"))

    def pauseProducing(self) -> None:
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
            self._waiting_since = time.monotonic()

    def resumeProducing(self) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            if not waiting.done():
                waiting.set_result(None)

    def stopProducing(self) -> None:
        self.resumeProducing()

    async def drained(self) -> None:
        """Returns when the client has taken what was written, or is gone. Whoever follows an answer and takes nothing
        at all for SOCKET_ACK_TIMEOUT is cut, as a websocket would be: an `EventSource` comes again by itself.
        """
        if self._waiting is None:
            return
        if not self._is_event_stream():
            await asyncio.shield(self._waiting)
            return
        patience = Patience(self.channel.transport)
        while self._waiting is not None and self.channel is not None:
            await asyncio.wait([self._waiting], timeout=look_seconds())
            if self._waiting is not None and self.channel is not None and patience.is_over():
                self.channel.transport.abortConnection()

    def finish(self) -> None:
        self._uploads.discard(self)
        if self.producer is not None:
            self.unregisterProducer()
        self.resumeProducing()
        super().finish()

    def connectionLost(self, reason: Any) -> None:
        self._uploads.discard(self)
        self.resumeProducing()
        super().connectionLost(reason)

    def check_timeouts(self) -> None:
        stalled = (
            self._waiting is not None and time.monotonic() - self._waiting_since > settings.REQUEST_SECONDS
        )
        silent = self._heard is not None and time.monotonic() - self._heard > settings.BODY_SILENCE_SECONDS
        if stalled and self.channel is not None:
            self.channel.transport.abortConnection()
        elif silent and self.channel is not None:
            self._refuse(NOT_WHOLE)
        else:
            super().check_timeouts()


class RequestFactory(HTTPFactory):  # type: ignore[misc]
    """Makes our kind of connection and request."""

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.timeOut = settings.REQUEST_SECONDS

    def protocol(self) -> Any:
        return http._GenericHTTPChannelProtocol(Channel())  # type: ignore[no-untyped-call]

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol

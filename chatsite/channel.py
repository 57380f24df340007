"""A connection as Twisted has it, before and between requests, and the answers that the server gives without asking
Django. Used by `requests`.

Twisted calls the camelCase methods.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from twisted.internet import reactor as _reactor
from twisted.web import http

# Twisted puts the object in place of a module of that name, which types cannot follow.
reactor: Any = _reactor
LINGER_SECONDS = 1.5


def _refusal(status: bytes, type: bytes, message: bytes, header: bytes = b"") -> bytes:
    body = b'{"error":{"type":"%b","message":"%b"}}' % (type, message)
    header += "".join(f"{name}: {value}\r\n" for name, value in settings.SECURITY_HEADERS.items()).encode()
    return (
        b"HTTP/1.1 %b\r\n%bContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
        % (status, header, len(body), body)
    )


BAD = _refusal(b"400 Bad Request", b"invalid_request", b"The request is not valid.")
NOT_WHOLE = _refusal(
    b"408 Request Timeout", b"request_incomplete", b"The rest of the request did not come in time."
)
TOO_LARGE = _refusal(b"413 Content Too Large", b"request_too_large", b"This is larger than the site accepts.")
_LONG_ADDRESS = _refusal(
    b"414 URI Too Long", b"address_too_long", b"The address is longer than the site accepts."
)
_LONG_HEADERS = _refusal(
    b"431 Request Header Fields Too Large",
    b"headers_too_large",
    b"The headers are larger than the site accepts.",
)
NO_ROOM = _refusal(
    b"507 Insufficient Storage",
    b"unavailable",
    b"The server has no room for this now. Try again later.",
)
# The page sends the file again by itself after that many seconds.
CROWDED = _refusal(
    b"503 Service Unavailable",
    b"unavailable",
    b"Many files are being uploaded right now. This one goes as soon as there is room.",
    b"Retry-After: 2\r\n",
)


class Channel(http.HTTPChannel):
    """A connection whose time-out is for a whole request: bytes that trickle in do not push it on."""

    transport: Any

    def resetTimeout(self) -> None:
        pass

    def _maybeChooseTransferDecoder(self, header: bytes, data: bytes) -> bool:
        # Twisted skips `identity`, so that a body after it, or after `chunked` in another line, would be read
        # differently than a proxy in front of us does.
        if header == b"Transfer-Encoding" and data.lower() != b"chunked":
            return bool(self._failChooseTransferDecoder())
        return bool(super()._maybeChooseTransferDecoder(header, data))  # type: ignore[no-untyped-call]

    def lineLengthExceeded(self, line: bytes) -> None:
        self._turn_away(_LONG_HEADERS if hasattr(self, "_path") else _LONG_ADDRESS)

    def _respondToBadRequestAndDisconnect(self) -> None:
        # Twisted says 400 to everything, and hangs up before it is read.
        too_much = (
            self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders
        )
        if too_much:
            self._turn_away(_LONG_HEADERS if hasattr(self, "_path") else _LONG_ADDRESS)
        else:
            self._turn_away(BAD)

    def _turn_away(self, answer: bytes) -> None:
        """Answers, then reads on for a moment without keeping anything: closing with unread data would reset the
        connection before the client has seen the answer.
        """
        self.persistent = False
        self.transport.write(answer)
        self.clearLineBuffer()  # type: ignore[no-untyped-call]
        self.dataReceived = _forget  # type: ignore[method-assign]
        reactor.callLater(LINGER_SECONDS, self.loseConnection)


def _forget(data: bytes) -> None:
    """What comes after a refusal."""

"""Server-Sent Events from raw bytes, split anywhere (messages-api section 9.6); fed by the client's read loop."""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
NO_EVENTS = frozenset({b"", b"[DONE]"})
"""Stripped data that is no JSON and no fault: that of an event which only keeps the line alive, and an end mark."""


class EventTooLarge(Exception):
    """One event, or one line without an end, went over the size limit."""


class SSEParser:
    """Bytes in, `(event name or b"", data)` pairs out.

    Lines end at LF, CRLF or CR only: U+2028 and its kin are ordinary characters of JSON text. Nothing is
    decoded here, so that a character cut between two packets is whole again before anybody looks at it.
    """

    __slots__ = (
        "_data",
        "_data_bytes",
        "_max",
        "_name",
        "_pending",
        "_pending_bytes",
        "_skip_lf",
        "_started",
    )

    def __init__(self, max_event_bytes: int = 1024 * 1024) -> None:
        self._max = max_event_bytes
        # Pieces of a line without its end; joined once, so that a drip stays linear.
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = b""
        self._skip_lf = False
        self._started = False

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """The events that `chunk` completes. Raises EventTooLarge; events before the large one are in its `args[0]`."""
        if b"\r" in chunk or self._skip_lf:
            chunk = self._without_carriage_returns(chunk)
        if b"\n" not in chunk:
            self._hold(chunk)
            if self._pending_bytes + self._data_bytes > self._max:
                raise EventTooLarge([])
            return []
        lines = chunk.split(b"\n")
        if self._pending:
            self._pending.append(lines[0])
            lines[0] = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
        if not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(_BOM)
        rest = lines.pop()
        events: list[tuple[bytes, bytes]] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data: "):
                data.append(line[6:])
                self._data_bytes += len(line)
                if self._data_bytes > self._max:
                    raise EventTooLarge(events)
            elif not line:
                if data:
                    events.append((self._name, data[0] if len(data) == 1 else b"\n".join(data)))
                    data.clear()
                    self._data_bytes = 0
                self._name = b""
            elif line.startswith(b"event: "):
                self._name = line[7:]
            else:
                self._field(line)
                if self._data_bytes > self._max:
                    raise EventTooLarge(events)
        if rest:
            self._hold(rest)
            if self._pending_bytes + self._data_bytes > self._max:
                raise EventTooLarge(events)
        return events

    def flush(self) -> list[tuple[bytes, bytes]]:
        """At the end of the stream: the event that lacks only its blank line, if any. It may be cut: the
        caller judges its JSON.
        """
        line = b"".join(self._pending)
        self._pending.clear()
        if not self._started:
            line = line.removeprefix(_BOM)
        if line:
            self._field(line)
        if not self._data:
            return []
        event = (self._name, b"\n".join(self._data))
        self._data.clear()
        return [event]

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._pending.append(piece)
            self._pending_bytes += len(piece)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(line)
        elif name == b"event":
            self._name = value

    def _without_carriage_returns(self, chunk: bytes) -> bytes:
        if self._skip_lf and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._skip_lf = False
        if chunk:
            self._skip_lf = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

"""Chunked transfer coding, taken off as the bytes come; used by the transport for each response body."""

from __future__ import annotations

import re

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_MAX_SIZE_LINE = 4096


class ChunkedDecoder:
    """`feed` gives the body bytes; `done` is set at the last chunk, `broken` where something is no chunk.

    Trailers are not read, since the connection ends with this answer.
    """

    __slots__ = ("_buffer", "_left", "broken", "done")

    def __init__(self) -> None:
        self.done = False
        self.broken = False
        self._buffer = b""
        self._left = 0  # bytes of the current chunk still to come, its CRLF included

    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`, also those before the place where the coding breaks."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        out: list[bytes] = []
        position, end = 0, len(data)
        while position < end and not self.done and not self.broken:
            if self._left:
                stop = position + self._left
                if stop - 2 > position:
                    out.append(data[position : min(stop - 2, end)])
                self._left = max(0, stop - end)
                position = min(stop, end)
                continue
            line_end = data.find(b"\r\n", position)
            if line_end < 0:
                self._buffer = data[position:]
                self.broken = len(self._buffer) > _MAX_SIZE_LINE
                break
            size = _SIZE_LINE.fullmatch(data, position, line_end)
            position = line_end + 2
            if size is None:
                self.broken = True
            elif length := int(size[1], 16):
                self._left = length + 2
            else:
                self.done = True
        return out[0] if len(out) == 1 else b"".join(out)

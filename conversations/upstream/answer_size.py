"""How much of an answer's size limit is left (promises row 27); both decoders count against it."""

from __future__ import annotations

from .errors import UpstreamError

# For the events that add no content, in bytes on the wire: hundreds of times what an ordinary answer has of them.
_BESIDE = 4 * 1024 * 1024


class AnswerSize:
    """Counts content in bytes of UTF-8, not bytes on the wire: a delta's frame is many times its text."""

    __slots__ = ("_beside", "_limit", "left")

    def __init__(self, limit: int) -> None:
        self.left = limit
        self._limit = limit
        self._beside = _BESIDE

    def take(self, size: int) -> None:
        """Counts `size` bytes. Raises UpstreamError `limit` when they do not fit."""
        self.left -= size
        if self.left < 0:
            raise self.exceeded()

    def take_beside(self, size: int) -> None:
        """Counts an event of `size` bytes that added no content: every one of them is kept, and a server that never
        stops sending them would fill the memory. Raises UpstreamError `limit` when there were too many.
        """
        self._beside -= size
        if self._beside < 0:
            raise self.exceeded()

    def fitting(self, text: str) -> str:
        """As much of the text as fits, cut between characters, and counts it."""
        encoded = text.encode()
        if len(encoded) > self.left:
            text = encoded[: self.left].decode("utf-8", "ignore")
            self.left = 0
        else:
            self.left -= len(encoded)
        return text

    def exceeded(self) -> UpstreamError:
        """The error for an answer that was cut at the limit."""
        limit = f"{self._limit / 1024 / 1024:.3g} MB"
        return UpstreamError(
            "limit",
            f"The answer reached the limit of {limit} and was cut there. Ask for the rest in a new message.",
        )

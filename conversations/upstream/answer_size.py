"""How much of an answer's size limit is left (promises row 27); both decoders count against it."""

from __future__ import annotations

from .errors import UpstreamError


class AnswerSize:
    """Counts content in bytes of UTF-8, not bytes on the wire: a delta's frame is many times its text."""

    __slots__ = ("_limit", "left")

    def __init__(self, limit: int) -> None:
        self.left = limit
        self._limit = limit

    def take(self, size: int) -> None:
        """Counts `size` bytes. Raises UpstreamError `limit` when they do not fit."""
        self.left -= size
        if self.left < 0:
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

"""What the decoders of both streams have in common: what they are made from, how an answer ends, and what becomes of an
event that cannot be read. `MessagesDecoder` and `ChatDecoder` build on it; `body_reader` drives them.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter

from .answer_size import AnswerSize
from .errors import GarbledAnswer, UpstreamError
from .events import Event
from .json_values import UnreadableJSON
from .pieces import Pieces

logger = logging.getLogger(__name__)

Pair = tuple[bytes, bytes]
"""What the SSE parser makes of an event: its name (b"" without one) and its data."""


class StreamDecoder(ABC):
    """SSE data in, typed events out, in order; one per stream.

    `failure` is the error that ended the answer: the events that were given before it are good, and none comes after
    it. `done` tells that the answer is whole. `ignored` counts what the stream held beyond the protocol; `secrets` are
    taken out of the upstream's words.
    """

    def __init__(self, max_answer_bytes: int, ignored: Counter[str], secrets: tuple[str, ...] = ()) -> None:
        self.failure: UpstreamError | None = None
        self.done = False
        self._ignored = ignored
        self._secrets = secrets
        self._size = AnswerSize(max_answer_bytes)
        self._pieces = Pieces(self._size)

    def feed(self, pairs: list[Pair]) -> list[Event]:
        """The events in what the SSE parser has found, up to the first that ends the answer."""
        events: list[Event] = []
        for name, data in pairs:
            self._read(name, data, events)
            if self.failure is not None:
                break
        return events

    def finish(self) -> list[Event]:
        """At the end of the bytes: what is missing of an answer that is whole, else nothing and `failure` (section
        9.5). Does nothing once the answer has ended.
        """
        if self.done or self.failure is not None:
            return []
        events = self._missing_end()
        if events is None:
            self.failure = UpstreamError("connection_lost", detail="the stream ended in mid-answer")
            return []
        self.done = True
        return events

    def _read(self, name: bytes, data: bytes, events: list[Event]) -> None:
        """Appends the events in one pair; what is wrong with it becomes `failure`."""
        known, left = len(events), self._size.left
        try:
            self._decode(name, data, events)
            if len(events) > known and self._size.left == left and not self.done:
                self._size.take_beside(len(data))
        except UpstreamError as error:
            self.failure = error
        except UnreadableJSON as error:
            logger.debug("unreadable event (%s): %r", error, data[:500])
            self.failure = GarbledAnswer(f"unreadable event ({error})")

    @abstractmethod
    def _decode(self, name: bytes, data: bytes, events: list[Event]) -> None:
        """Appends the events in one pair. Raises UpstreamError or UnreadableJSON where it ends the answer."""

    @abstractmethod
    def _missing_end(self) -> list[Event] | None:
        """The events with which the answer ends where the bytes do; None where it is not whole."""

"""Pieces of text as deltas of the open block: whole characters only, and no more of them than an answer may have
(promises row 27). Both decoders give their text through here, `whole_reply` that of a reply which was not
streamed.
"""

from __future__ import annotations

from typing import Any

from .answer_size import AnswerSize
from .deltas import PIECES, piece_text
from .errors import UpstreamError
from .events import ContentBlockDelta, Event
from .json_values import split_high_surrogate, storable_text


class Pieces:
    """Joins surrogate halves over neighbouring deltas of one kind; a lone half becomes U+FFFD."""

    __slots__ = ("_kind", "_size", "half")

    def __init__(self, size: AnswerSize) -> None:
        self.half = ""
        """First half of a surrogate pair whose second half comes with the next delta."""
        self._kind = ""
        self._size = size

    def add(
        self, index: int, kind: str, text: str, events: list[Event], meta: dict[str, Any] | None = None
    ) -> None:
        """A piece for block `index`; `kind` as in PIECES. Raises UpstreamError `limit` after as much of it as fits."""
        if self.half and kind != self._kind:
            self.end(index, events)
        text, self.half = split_high_surrogate(self.half + text)
        self._kind = kind
        text = storable_text(text)
        kept = self._size.fitting(text)
        if kept or not text:
            events.append(ContentBlockDelta(index, PIECES[kind][1](kept), meta))
        if kept != text:
            raise self._size.exceeded()

    def end(self, index: int, events: list[Event]) -> None:
        """No more of this kind comes for block `index`."""
        if self.half:
            self.half = ""
            events.append(ContentBlockDelta(index, PIECES[self._kind][1]("\ufffd")))


def within(events: list[Event], size: AnswerSize) -> tuple[list[Event], UpstreamError | None]:
    """The events up to the one whose text does not fit, that one cut; and the error for it."""
    for position, event in enumerate(events):
        if isinstance(event, ContentBlockDelta) and (text := piece_text(event.delta)) is not None:
            kept = size.fitting(text)
            if kept != text:
                delta = PIECES[event.delta.type][1](kept)
                return [*events[:position], ContentBlockDelta(event.index, delta)], size.exceeded()
    return events, None

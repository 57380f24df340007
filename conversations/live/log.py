"""The live log of one running answer: append-only, numbered from 1, kept by the process that runs it.

The engine appends; followers hold a cursor into it and are woken. Rendered HTML travels beside the numbers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

Wake = Callable[[], None]


class LiveLog:
    """What has come of one answer so far. Once it is followed, it changes in the event loop alone; the journal's thread
    counts its events at any time, and reads those that it has counted.
    """

    __slots__ = (
        "_wakes",
        "closed",
        "conversation",
        "edition",
        "events",
        "generation",
        "html",
        "message",
        "mirrored",
        "rebuilt",
        "status",
    )

    def __init__(
        self,
        generation: uuid.UUID,
        message: uuid.UUID,
        conversation: uuid.UUID,
        *,
        mirrored: bool = False,
    ) -> None:
        self.generation = generation
        self.message = message
        self.conversation = conversation
        # Read from the database, since another process works (or worked) on the answer.
        self.mirrored = mirrored
        # events[i] has seq i + 1. Items are upstream events, or frame bodies (dicts) of our own.
        self.events: list[Any] = []
        # Renderings in the order they were made: bodies of `block_html` frames, each with the seq it covers.
        self.html: list[dict[str, Any]] = []
        # Counts how often the log was begun again; a follower of an older edition starts over.
        self.edition = 0
        # Made from what is stored of an ended answer: the numbers are not those that its events had.
        self.rebuilt = False
        self.status: dict[str, Any] | None = None
        self.closed = False
        self._wakes: list[Wake] = []

    @property
    def seq(self) -> int:
        return len(self.events)

    def extend(self, events: list[Any]) -> None:
        # Whoever comes later need not hear what was said while nothing came.
        self.status = None
        self.events.extend(events)
        self.wake()

    def has_open_block(self) -> bool:
        """Whether a content block has begun that has not ended."""
        for event in reversed(self.events):
            kind = "" if event is None else event["type"] if type(event) is dict else event.type
            if kind == "content_block_stop":
                return False
            if kind == "content_block_start":
                return True
        return False

    def add_html(self, body: dict[str, Any]) -> None:
        self.html.append(body)
        self.wake()

    def close(self, message_stop: dict[str, Any]) -> None:
        """The last event; nothing comes after it."""
        self.status = None
        self.events.append(message_stop)
        self.closed = True
        self.wake()

    def set_status(self, body: dict[str, Any]) -> None:
        self.status = body
        self.wake()

    def restart(self) -> None:
        """The events were replaced: every follower begins again at message_start."""
        self.edition += 1
        self.wake()

    def attach(self, wake: Wake) -> None:
        self._wakes.append(wake)

    def detach(self, wake: Wake) -> None:
        if wake in self._wakes:
            self._wakes.remove(wake)

    def wake(self) -> None:
        for wake in self._wakes:
            wake()

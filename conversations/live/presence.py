"""Who has a conversation open now, told to all who have it open: in this process directly, in others by the doorbell.

Called by the conversation's websocket when it opens and closes, and by `news` for what other processes say. Whoever is
alone hears nothing. All methods run in the event loop.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

from . import doorbell
from .hub import Frame, Page, hub

Person = dict[str, Any]

# Somebody who reloads is not seen to go and come.
DEBOUNCE_SECONDS = 0.3
# Processes repeat what they know, so that one that was killed is forgotten.
REPEAT_SECONDS = 20.0
FORGET_SECONDS = 50.0


class _Room:
    """One conversation that is open in this process."""

    def __init__(self) -> None:
        self.pages: dict[Page, Person] = {}
        # Process → (its people, when it said so).
        self.elsewhere: dict[str, tuple[list[Person], float]] = {}
        self.told: list[Person] = []
        self.rung: list[Person] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def here(self) -> list[Person]:
        return _distinct(self.pages.values())

    def everybody(self) -> list[Person]:
        now = time.monotonic()
        for process, (_, at) in list(self.elsewhere.items()):
            if now - at > FORGET_SECONDS:
                del self.elsewhere[process]
        people = [*self.pages.values()]
        for others, _ in self.elsewhere.values():
            people += others
        return _distinct(people)


def _distinct(people: Any) -> list[Person]:
    return sorted({person["id"]: person for person in people}.values(), key=lambda person: person["id"])


class Presence:
    """The rooms of this process; those of a loop that has ended are forgotten."""

    def __init__(self) -> None:
        self._rooms: dict[uuid.UUID, _Room] = {}
        self._process = ""
        self._repeating: asyncio.TimerHandle | None = None

    def enter(self, conversation: uuid.UUID, page: Page, person: Person) -> None:
        """This page shows the conversation to this person: {"id", "name", "initial", "colour"}."""
        self._attach()
        room = self._rooms.setdefault(conversation, _Room())
        first = not room.pages
        room.pages[page] = person
        if first and doorbell.is_connected():
            self._ring(conversation, room, ask=True)
            if self._repeating is None:
                self._repeat_later()
        # A page that has just opened knows of nobody yet.
        people = room.everybody()
        if len(people) > 1 and people == room.told:
            page.tell(_frame(people))
        self._soon(conversation, room)

    def leave(self, conversation: uuid.UUID, page: Page) -> None:
        """The page is closed; harmless when it never entered."""
        room = self._rooms.get(conversation)
        if room is not None and room.pages.pop(page, None) is not None:
            self._soon(conversation, room)

    def heard(self, payload: Frame) -> None:
        """Another process says who is there with it, and asks, perhaps, who is here."""
        self._attach()
        room = self._rooms.get(uuid.UUID(payload["present"]))
        if room is None:
            return
        if payload["people"]:
            room.elsewhere[payload["process"]] = (payload["people"], time.monotonic())
        else:
            room.elsewhere.pop(payload["process"], None)
        if payload.get("ask"):
            self._ring(uuid.UUID(payload["present"]), room)
        self._soon(uuid.UUID(payload["present"]), room)

    def _attach(self) -> None:
        if self._process != hub.process:
            self._process = hub.process
            self._rooms.clear()
            self._repeating = None

    def _soon(self, conversation: uuid.UUID, room: _Room) -> None:
        if room.timer is None:
            loop = asyncio.get_running_loop()
            room.timer = loop.call_later(DEBOUNCE_SECONDS, self._tell, conversation, room)

    def _tell(self, conversation: uuid.UUID, room: _Room) -> None:
        room.timer = None
        if room.rung is not None and room.rung != room.here():
            self._ring(conversation, room)
        if not room.pages:
            if self._rooms.get(conversation) is room:
                del self._rooms[conversation]
            return
        people = room.everybody()
        if people == room.told or (len(people) == 1 and not room.told):
            return
        room.told = people
        for page in room.pages:
            page.tell(_frame(people))

    def _ring(self, conversation: uuid.UUID, room: _Room, *, ask: bool = False) -> None:
        room.rung = room.here()
        payload = {"present": str(conversation), "process": hub.process, "people": room.rung}
        doorbell.ring({**payload, "ask": True} if ask else payload)

    def _repeat_later(self) -> None:
        self._repeating = asyncio.get_running_loop().call_later(REPEAT_SECONDS, self._repeat, hub.process)

    def _repeat(self, process: str) -> None:
        if process != self._process:
            return
        self._repeating = None
        for conversation, room in self._rooms.items():
            if room.pages and room.elsewhere:
                self._ring(conversation, room)
                self._soon(conversation, room)
        if self._rooms:
            self._repeat_later()


def _frame(people: list[Person]) -> Frame:
    return {"type": "presence", "people": people}


presence = Presence()

"""The open pages of this process, found by conversation and by person. Used by news, the doorbell and consumers."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from .log import LiveLog

Frame = dict[str, Any]
Key = TypeVar("Key")


class Page(Protocol):
    """An open socket or fallback stream. All methods are called in the event loop and must not block."""

    user_id: int
    session_key: str
    conversation_id: uuid.UUID | None

    def tell(self, frame: Frame) -> None:
        """Deliver one frame of news."""

    def follow(self, log: LiveLog) -> None:
        """An answer has started in this process: deliver it from its first event."""

    def signed_out(self) -> None:
        """The session has ended: close."""

    def gone(self) -> None:
        """The conversation is deleted or no longer this person's to read: close."""

    def come_again(self) -> None:
        """News may have been lost on the way here: close, so that the browser opens again and asks."""


class Hub:
    """Owned by the event loop; only `call` may be used from other threads."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        # Random per serving process (a forked one is another): a process does not answer its own doorbell.
        self.process = ""
        self.logs: dict[uuid.UUID, LiveLog] = {}
        # Set when rights may have changed; the patrol waits for it.
        self.rights_changed = asyncio.Event()
        self._by_conversation: dict[uuid.UUID, set[Page]] = defaultdict(set)
        self._by_user: dict[int, set[Page]] = defaultdict(set)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """This loop serves from now on; what was open in another one is gone with it."""
        self.loop = loop
        self.process = uuid.uuid4().hex
        self.logs.clear()
        self.rights_changed = asyncio.Event()
        self._by_conversation.clear()
        self._by_user.clear()

    def call(self, function: Any, *arguments: Any) -> None:
        """Run in the server's loop, from any thread; outside a server (commands, shell) there are no pages to tell."""
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(function, *arguments)

    def join(self, page: Page) -> None:
        if page.conversation_id is not None:
            self._by_conversation[page.conversation_id].add(page)
        self._by_user[page.user_id].add(page)

    def leave(self, page: Page) -> None:
        _discard(self._by_user, page.user_id, page)
        if page.conversation_id is not None:
            _discard(self._by_conversation, page.conversation_id, page)

    def sockets_of(self, user_id: int) -> int:
        return len(self._by_user.get(user_id, ()))

    def in_conversation(self, conversation: uuid.UUID) -> Iterable[Page]:
        return tuple(self._by_conversation.get(conversation, ()))

    def of_people(self, people: Iterable[int] | None) -> Iterable[Page]:
        """Pages of these people; None: of everybody."""
        keys = self._by_user if people is None else people
        return tuple(page for key in keys for page in self._by_user.get(key, ()))

    def open_log(self, log: LiveLog) -> None:
        self.logs[log.generation] = log
        for page in self.in_conversation(log.conversation):
            page.follow(log)

    def retire(self, log: LiveLog, seconds: float) -> None:
        """Keep an ended log for readers who are just reconnecting, then let it go."""

        def drop() -> None:
            if self.logs.get(log.generation) is log:
                del self.logs[log.generation]

        asyncio.get_running_loop().call_later(seconds, drop)


def _discard(pages: dict[Key, set[Page]], key: Key, page: Page) -> None:
    members = pages.get(key)
    if members is not None:
        members.discard(page)
        if not members:
            del pages[key]


hub = Hub()

"""A started site with everything around it: the upstream it asks, the cable to the browser, the clerk."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from tests import patience, prepared
from tests.fake_upstream import Call, FakeUpstream, wire
from tests.fake_upstream.steps import Told
from tests.running_site import RunningSite, clean_environment
from tests.services import free_port

from .cable import Cable
from .clerk import Clerk


class LiveAnswer:
    """The next streamed answer, written by the test piece by piece."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self._told = Told()
        upstream.script(self._told)

    def begin(self, **block: str) -> LiveAnswer:
        self._told.give(wire.message_start() + wire.block_start(0, **block))
        return self

    def text(self, text: str, index: int = 0) -> LiveAnswer:
        self._told.give(wire.text_delta(text, index))
        return self

    def raw(self, data: bytes) -> LiveAnswer:
        self._told.give(data)
        return self

    def end(self, stop_reason: str = "end_turn", index: int = 0) -> None:
        self._told.give(wire.block_stop(index) + wire.message_end(stop_reason))
        self._told.end()


class Place:
    """A context manager. `url` is what the browser opens; it leads through the cable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = count(1)
        self._stack = ExitStack()

    def __enter__(self) -> Place:
        enter = self._stack.enter_context
        self.upstream = enter(FakeUpstream())
        outside, inside = free_port(), free_port()
        # A name: a passkey belongs to one, never to a number.
        self.url = f"http://localhost:{outside}"
        self.cable = enter(Cable(outside, inside))
        variables = {
            "CHATSITE_PUBLIC_URL": self.url,
            "ANTHROPIC_BASE_URL": self.upstream.url,
            "ANTHROPIC_API_KEY": "sk-canary-0123456789abcdef",
            "CHATSITE_DRAIN_SECONDS": "1",
        }
        data = prepared.data_folder(self._folder / "data")
        self.site = enter(RunningSite(data, port=inside, **variables))
        environment = clean_environment(
            CHATSITE_DATA_DIR=str(data), DJANGO_SETTINGS_MODULE="chatsite.settings", **variables
        )
        self.clerk = enter(Clerk(environment))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def reset(self) -> None:
        """As a new test wants it: the cable whole, no script left, an empty ledger, the site running."""
        self.cable.mend()
        self.upstream.calls.clear()
        self.upstream._scripts.clear()
        self.upstream._seen.clear()
        if self.site.process is None or self.site.process.poll() is not None:
            self.site.start()

    def answer(self) -> LiveAnswer:
        """The next answer, written by the test."""
        return LiveAnswer(self.upstream)

    def asked(self) -> list[Call]:
        """The streaming requests that the upstream saw; titles are left out."""
        return [call for call in self.upstream.calls if call.body.get("stream")]

    async def until_asked(self, count: int = 1) -> None:
        """Returns when the upstream has seen so many streaming requests."""
        async with asyncio.timeout(patience.SECONDS):
            while len(self.asked()) < count:  # noqa: ASYNC110 (the upstream counts in its own thread)
                await asyncio.sleep(0.005)

    def new_name(self) -> str:
        return f"person{next(self._names)}"

    def kill(self) -> None:
        """Ends the site as a power cut would, and waits for it."""
        self.site.end(signal.SIGKILL)

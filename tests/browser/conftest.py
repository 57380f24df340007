"""One site and one Chromium per test process, one browser context per person and test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests import patience

from .place import Place
from .visit import WIDE, Chat, Visit

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-extensions", "--mute-audio",
]  # fmt: skip

NewVisit = Callable[..., Awaitable[Visit]]

expect.set_options(timeout=patience.SECONDS * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser and shares one event loop with it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def session_place(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("site")) as place:
        yield place


@pytest.fixture
def place(session_place: Place) -> Place:
    """The running site as a new test wants it."""
    session_place.reset()
    return session_place


class Warm:
    """A context with an open tab for each test's first person: where the scripts ran before, a page opens at a quarter
    of the cost.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._context: BrowserContext | None = None

    async def take(self) -> BrowserContext:
        context, self._context = self._context, None
        return context or await self._browser.new_context(viewport=WIDE, reduced_motion="reduce")

    async def give_back(self, visit: Visit) -> None:
        if await visit.clean():
            self._context = visit.context
        else:
            await visit.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def warm(browser: Browser) -> Warm:
    return Warm(browser)


@pytest_asyncio.fixture(loop_scope="session")
async def visit(place: Place, browser: Browser, warm: Warm) -> AsyncIterator[NewVisit]:
    """`await visit()`: the browser of a new person, signed in. Options are Playwright's for a context, `person`
    the fields of their account. At the end every page is checked for errors and foreign requests.
    """
    visits: list[Visit] = []
    async with AsyncExitStack() as stack:

        async def make(
            *,
            person: dict[str, Any] | None = None,
            signed_in: bool = True,
            fresh: bool = False,
            **options: Any,
        ) -> Visit:
            is_warm = not visits and not options and not fresh
            if is_warm:
                context = await warm.take()
            else:
                context = await browser.new_context(
                    **{"viewport": WIDE, "reduced_motion": "reduce", **options}
                )
            name = place.new_name()
            made = Visit(place, context, name)
            if is_warm:
                stack.push_async_callback(warm.give_back, made)
            else:
                stack.push_async_callback(made.close)
            visits.append(made)
            if signed_in:
                key = place.clerk.person(name, **(person or {}))
                await context.add_cookies([{"name": "sessionid", "value": key, "url": place.url}])
            return made

        yield make
        for made in visits:
            made.record.check()


@pytest_asyncio.fixture(loop_scope="session")
async def alice(visit: NewVisit) -> Visit:
    """A member at a wide screen."""
    return await visit(person={"display_name": "Alice"})


@pytest_asyncio.fixture(loop_scope="session")
async def chat(alice: Visit) -> Chat:
    """Alice's chat page, before the first message."""
    return await alice.chat()

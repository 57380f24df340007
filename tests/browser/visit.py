"""A person at a browser: one context, its pages, and the words of what people do on the chat page."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    ViewportSize,
    WebError,
    expect,
)

from tests import patience

from .place import Place

WIDE: ViewportSize = {"width": 1440, "height": 900}
IS_UNTOUCHED = "[Date.now, WebSocket].every((one) => String(one).includes('[native code]'))"
# Lines of the console that a test's own cut of the network causes.
NETWORK_NOISE = re.compile(
    r"WebSocket connection to .* failed|Failed to load resource: (net::ERR_|the server responded with a status of)"
)


@dataclass
class Record:
    """What the pages of one context said and asked for."""

    origin: str
    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._said)
        context.on("request", self._asked)
        context.on("weberror", self._failed)

    def leave(self, context: BrowserContext) -> None:
        context.remove_listener("console", self._said)
        context.remove_listener("request", self._asked)
        context.remove_listener("weberror", self._failed)

    def _failed(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not NETWORK_NOISE.search(message.text):
            self.console.append(message.text)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if (
            parts.scheme not in ("data", "blob", "about")
            and f"{parts.scheme}://{parts.netloc}" != self.origin
        ):
            self.foreign.append(request.url)

    def check(self) -> None:
        """Every page of every test: no script failed, nothing broke the policy, nobody else was asked."""
        assert self.errors == []
        assert self.console == []
        assert self.foreign == []


class Chat:
    """The chat page in one tab."""

    def __init__(self, place: Place, page: Page) -> None:
        self.place = place
        self.page = page
        self.composer = page.locator("#composer-text")
        self.messages = page.locator("#messages > .message")
        self.answers = page.locator("#messages > .message--assistant")
        self.turns = page.locator("#messages > .message--user")
        self.stop = page.locator("#stop")
        self.notes = page.locator("#messages .note")
        self.title = page.locator("#title")
        self.bar = page.locator("#connection-bar")

    async def open(self, path: str = "/") -> Chat:
        await self.page.goto(self.place.url + path)
        return self

    async def say(self, text: str) -> None:
        """Writes and sends; returns when the echo is there."""
        before = await self.turns.count()
        await self.composer.fill(text)
        await self.composer.press("Enter")
        await expect(self.turns).to_have_count(before + 1)

    async def ask(self, text: str) -> None:
        """Writes, sends and waits for the whole answer."""
        await self.say(text)
        await self.settled()

    async def settled(self, status: str = "completed") -> None:
        """The last answer is over and shows what the server rendered."""
        last = self.answers.last
        await expect(last).to_have_attribute("data-status", status)
        await expect(last).not_to_have_attribute("aria-busy", "true")

    async def shows(self, text: str | re.Pattern[str]) -> None:
        await expect(self.answers.last.locator(".message__blocks")).to_contain_text(text)

    async def until(self, script: str, argument: object = None) -> None:
        """Returns once this async function is true in the page; Playwright's own wait takes its promise for true."""
        async with asyncio.timeout(patience.SECONDS):
            while not await self.page.evaluate(script, argument):
                await self.page.evaluate("new Promise((done) => setTimeout(done, 20))")

    async def connected(self) -> None:
        """The page follows the running answer: a piece that the upstream sends from now on arrives by socket."""
        await expect(self.bar).to_be_hidden()

    async def act(self, article: Locator, name: str) -> None:
        """Presses one of the buttons under a message."""
        await article.hover()
        await article.locator(f"[data-act={name}]").first.click()

    async def act_branch(self, article: Locator, name: str) -> None:
        """Presses an arrow of the branch switcher."""
        await article.hover()
        await article.get_by_role("button", name=name).click()

    async def menu(self, opener: Locator, item: str) -> None:
        await opener.click()
        await self.page.get_by_role("menuitem", name=item, exact=True).click()

    @property
    def conversation(self) -> str:
        return urlsplit(self.page.url).path.removeprefix("/conversations/").strip("/")

    async def text_of(self, article: Locator) -> str:
        found: str = await article.locator(".message__blocks").evaluate("element => element.textContent")
        return found


class Visit:
    """A signed-in person's browser. `name` is who they are."""

    def __init__(self, place: Place, context: BrowserContext, name: str) -> None:
        self.place = place
        self.context = context
        self.name = name
        self.record = Record(place.url)
        self.record.watch(context)
        self._blank = list(context.pages)

    async def _tab(self) -> Page:
        return self._blank.pop() if self._blank else await self.context.new_page()

    async def chat(self, path: str = "/") -> Chat:
        """A new tab on a chat page."""
        return await Chat(self.place, await self._tab()).open(path)

    async def page(self, path: str) -> Page:
        """A new tab on any page."""
        page = await self._tab()
        await page.goto(self.place.url + path)
        return page

    def conversation(self, messages: list[str], title: str = "Earlier talk", **fields: Any) -> str:
        """The path of a conversation of this person that exists already."""
        return f"/conversations/{self.place.clerk.conversation(self.name, messages, title, **fields)}/"

    async def close(self) -> None:
        with contextlib.suppress(Error):
            await self.context.close()

    async def clean(self) -> bool:
        """Leaves the context as a new one would be, but for the browser's caches, scripts that the test added, and one
        tab on a page without scripts; what pages keep in the browser is kept by person. False when that does not
        succeed: a page does not end, the site is down, or the test set the clock or stood between page and socket,
        which nothing takes back.
        """
        self.record.leave(self.context)
        try:
            async with asyncio.timeout(patience.SECONDS):
                await self.context.set_offline(False)
                await self.context.unroute_all(behavior="ignoreErrors")
                await self.context.clear_cookies()
                await self.context.clear_permissions()
                for page in self.context.pages[1:]:
                    await page.close()
                for page in self.context.pages:
                    await page.unroute_all(behavior="ignoreErrors")
                    await page.goto(self.place.url + "/healthz")
                    await page.emulate_media(media="null", color_scheme="null", reduced_motion="reduce")
                    await page.set_viewport_size(WIDE)
                    if not await page.evaluate(IS_UNTOUCHED):
                        return False
        except (TimeoutError, Error):
            return False
        return True

"""P3 as people see it: two or three tabs on one conversation, each doing what comes to its mind, over a network that
delays, swallows and cuts. When all is quiet, every tab shows a whole branch as the server has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error, Route, async_playwright

from tests.browser.place import Place
from tests.browser.visit import WIDE, Chat, Visit
from tests.services import chromium_path

from .place import POSTGRES
from .report import Finding

ACTS = 14
PROMPTS = (
    "Hello", "load-30-20", "load-60-25", "load-200-5", "load-10-100", "fault:6", "fault:13*1", "fault:19", "fault:23",
    "fault:32:max_tokens",
)  # fmt: skip
DOINGS = (
    "send", "send", "send", "stop", "regenerate", "edit", "select", "select", "continue", "retry", "reload", "leave",
    "cut", "freeze", "offline", "pause",
)  # fmt: skip
DELAYS = (0, 0, 0.02, 0.1, 0.4, 0.9)
SWALLOWED = 0.04
QUIET, PATIENCE = 5, 45
PRESS = 1500
SHOWN = """() => {
    const words = (element) => element?.textContent.replace(/\\s+/g, " ").trim() ?? "";
    return [...document.querySelectorAll("#messages > .message")].map((article) => ({
        id: article.dataset.message,
        joined: article.classList.contains("message--joined"),
        waits: ["queued", "running", "echo"].includes(article.dataset.status) || !article.dataset.message
            || article.ariaBusy === "true" || "over" in article.dataset || article.matches(".message--pending"),
        says: [article.dataset.status, words(article.querySelector(".message__blocks, .message__text"))],
    }));
}"""
STORED = """async (url) => {
    const box = document.createElement("template");
    box.innerHTML = await (await fetch(url, { headers: { Accept: "text/html", "X-Requested-With": "fetch" } })).text();
    const article = box.content.querySelector(".message");
    const text = article?.querySelector(".message__blocks, .message__text");
    const says = [article?.dataset.status, text?.textContent.replace(/\\s+/g, " ").trim() ?? ""];
    return { parent: article?.dataset.parent, says };
}"""


async def prove(runs: int, seed: int, database: str, *, acts: int = ACTS) -> list[Finding]:
    """`runs` conversations with so many acts each. The browser tests' site has SQLite."""
    if database == POSTGRES:
        return []
    found = Finding("P3", database, "every tab shows a whole branch as the server has it", seed)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="chatsite-pages-") as folder, Place(Path(folder)) as place:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"]
            )
            while found.runs < runs:
                await _one(place, browser, random.Random(chance.random()), acts, found)
                found.runs += 1
            await browser.close()
    return [found]


async def _one(place: Place, browser: Browser, chance: random.Random, acts: int, found: Finding) -> None:
    place.reset()
    alice, bob = [await _person(place, browser) for _ in range(2)]
    path = alice.conversation(["Question one", "Answer one", "Question two", "Answer two"])
    conversation = path.split("/")[2]
    tabs = [await alice.chat(path), await alice.chat(path)]
    if chance.random() < 0.5:
        place.clerk.share(conversation, bob.name, "writer")
        tabs.append(await bob.chat(path))
    for tab in tabs:
        await _trouble(tab, chance)
    history = []
    for number in range(acts):
        which, doing = chance.randrange(len(tabs)), chance.choice(DOINGS)
        history.append(f"{which} {doing}")
        # What was to be pressed may have gone in the meantime.
        with contextlib.suppress(Error):
            await _do(place, tabs[which], doing, number, chance)
        await asyncio.sleep(chance.choice((0, 0, 0.01, 0.05, 0.2, 0.6, 1.2)))
    place.cable.mend()
    for tab in tabs:
        await tab.page.context.set_offline(False)
        await tab.page.unroute_all(behavior="ignoreErrors")
    for complaint in await _complaints(place, tabs, conversation):
        found.fail(f"{complaint}; {', '.join(history)}")
    await alice.close()
    await bob.close()


async def _person(place: Place, browser: Browser) -> Visit:
    context = await browser.new_context(viewport=WIDE, reduced_motion="reduce")
    name = place.new_name()
    key = place.clerk.person(name)
    await context.add_cookies([{"name": "sessionid", "value": key, "url": place.url}])
    return Visit(place, context, name)


async def _trouble(tab: Chat, chance: random.Random) -> None:
    """From now on the tab's requests, but for pages and scripts, take their time in both directions, or get lost."""

    async def pass_on(route: Route) -> None:
        if route.request.resource_type not in ("fetch", "xhr"):
            return await route.continue_()
        with contextlib.suppress(Error):
            await asyncio.sleep(chance.choice(DELAYS))
            if chance.random() < SWALLOWED:
                return await route.abort()
            response = await route.fetch()
            await asyncio.sleep(chance.choice(DELAYS))
            if chance.random() < SWALLOWED:
                return await route.abort()
            await route.fulfill(response=response)
        return None

    await tab.page.route("**", pass_on)


async def _do(place: Place, tab: Chat, doing: str, number: int, chance: random.Random) -> None:
    page, seconds = tab.page, chance.choice((0.1, 0.5, 1.5))
    text = f"{doing}{number} {chance.choice(PROMPTS)}"
    match doing:
        case "send":
            await tab.composer.fill(text, timeout=PRESS)
            await tab.composer.press("Enter", timeout=PRESS)
        case "stop":
            if await tab.stop.is_visible():
                await tab.stop.click(timeout=PRESS)
        case "regenerate" | "edit" | "select" | "continue" | "retry":
            buttons = page.locator(f"#messages [data-act={doing}]:not([disabled]):visible")
            if count := await buttons.count():
                await buttons.nth(chance.randrange(count)).evaluate("button => button.click()", timeout=PRESS)
                if doing == "edit":
                    await page.locator(".edit__text").last.fill(text, timeout=PRESS)
                    await page.locator(".edit__text").last.press("Enter", timeout=PRESS)
        case "reload":
            await page.reload(wait_until="domcontentloaded")
        case "leave":
            await page.goto(place.url, wait_until="domcontentloaded")
            await page.go_back(wait_until="domcontentloaded")
        case "cut" | "freeze":
            getattr(place.cable, doing)()
            await asyncio.sleep(seconds)
            place.cable.mend()
        case "offline":
            await page.context.set_offline(True)
            await asyncio.sleep(seconds)
            await page.context.set_offline(False)
        case _:
            await asyncio.sleep(seconds)


async def _complaints(place: Place, tabs: list[Chat], conversation: str) -> list[str]:
    found = []
    shown: list[list[dict[str, Any]]] = []
    now, since = time.monotonic(), time.monotonic()
    while time.monotonic() - since < QUIET and time.monotonic() - now < PATIENCE:
        before = shown
        with contextlib.suppress(Error):
            shown = [await tab.page.evaluate(SHOWN) for tab in tabs]
        if shown != before or any(one["waits"] for tab in shown for one in tab):
            since = time.monotonic()
        await asyncio.sleep(0.3)
    leaves = place.clerk.leaves(conversation)
    for number, (tab, articles) in enumerate(zip(tabs, shown, strict=True)):
        waiting = [one["says"] for one in articles if one["waits"]]
        if waiting or await tab.bar.is_visible() or await tab.stop.is_visible():
            found.append(f"tab {number} still waits: {waiting}")
            continue
        if articles[-1]["id"] not in leaves:
            found.append(f"tab {number} lacks what follows its last message")
        above = ""
        for one in articles:
            stored = await tab.page.evaluate(STORED, f"/conversations/{conversation}/messages/{one['id']}/")
            if stored["says"] != one["says"]:
                found.append(f"tab {number} shows {one['says']} for {stored['says']}")
            # Between an answer and what joins it there may be a turn that nobody sees.
            if not one["joined"] and stored["parent"] != above:
                found.append(f"tab {number} shows {one['says']} under another message than its own")
            above = one["id"]
    return found

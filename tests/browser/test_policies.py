"""What the page may load, and how much of it there is."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

from playwright.async_api import CDPSession, expect

from .conftest import NewVisit
from .place import Place
from .texts import HARD
from .visit import Chat, Visit

KB = 1024
PAGE_BUDGET = 100 * KB
SCRIPT_BUDGET = 40 * KB
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}


async def test_every_page_has_the_strict_policy(place: Place, alice: Visit) -> None:
    path = alice.conversation(["Question", HARD], "Policy")
    page = await alice.context.new_page()
    for address in ("/", path, "/account/", "/nothing/", "/accounts/login/"):
        response = await page.goto(place.url + address)
        assert response is not None
        given = dict(
            part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";")
        )
        assert POLICY.items() <= given.items()
        assert "unsafe" not in str(given) and "*" not in str(given)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert (
            await page.locator("script:not([src]):not([type='application/json']), style, [style]").count()
            == 0
        )


async def _transferred(session: CDPSession) -> dict[str, tuple[str, int]]:
    """Collects what comes over the network: request → (type, bytes)."""
    kinds: dict[str, str] = {}
    sizes: dict[str, tuple[str, int]] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.update(
            {event["requestId"]: (kinds.get(event["requestId"], "?"), int(event["encodedDataLength"]))}
        ),
    )
    await session.send("Network.enable")
    return sizes


async def test_the_first_load_of_a_conversation_is_small(visit: NewVisit) -> None:
    alice = await visit(fresh=True)
    path = alice.conversation(["Question", "Answer"] * 10, "Small")
    page = await alice.context.new_page()
    session = await alice.context.new_cdp_session(page)
    sizes = await _transferred(session)
    await Chat(alice.place, page).open(path)
    await expect(page.locator("#conversations [aria-current=page]")).to_have_count(1)
    await page.wait_for_load_state("networkidle")
    by_kind: Counter[str] = Counter()
    for kind, size in sizes.values():
        by_kind[kind] += size
    assert by_kind["Script"] <= SCRIPT_BUDGET, by_kind
    assert by_kind.total() <= PAGE_BUDGET, by_kind


async def test_scripts_and_styles_are_kept_for_ever_by_their_hashed_names(place: Place, alice: Visit) -> None:
    page = await alice.context.new_page()
    seen: dict[str, str] = {}
    page.on("response", lambda answer: seen.update({answer.url: answer.headers.get("cache-control", "")}))
    await Chat(place, page).open()
    static = {url: header for url, header in seen.items() if "/static/" in url}
    assert static
    assert all("immutable" in header for header in static.values()), static
    assert seen[place.url + "/"] == "private, no-store"


async def test_a_long_conversation_opens_with_its_newest_messages_alone(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation([f"Message {number}" for number in range(600)], "Six hundred"))
    assert await chat.messages.count() < 60
    assert len(await chat.page.content()) < 400 * KB


async def test_a_200_kb_answer_arrives_whole_and_the_page_stays_usable(place: Place, chat: Chat) -> None:
    """How long frames take is measured by the bench: a busy machine says nothing about that here."""
    answer = place.answer()
    await chat.say("Very long")
    answer.begin()
    paragraph = "Some words of **prose** with `code` in it, again and again. " * 8
    count = 200 * KB // len(paragraph)
    for number in range(count):
        answer.text(f"{paragraph} p{number}\n\n")
        if number % 20 == 0:
            await asyncio.sleep(0.005)
    # Asked for in the page: an expectation of Playwright's reads all of it out each time that it is not yet so.
    await chat.until(f"async () => document.getElementById('messages').textContent.includes('p{count - 1}')")
    await chat.composer.fill("Still usable")
    answer.end()
    await chat.until(
        "async () => document.querySelector('#messages > [data-status=completed]:last-child') !== null"
    )
    numbers = re.findall(r" p(\d+)", await chat.text_of(chat.answers.last))
    assert numbers == [str(number) for number in range(count)]
    await expect(chat.composer).to_have_value("Still usable")

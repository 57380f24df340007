"""Reading along and up-page: the place stays, history loads upwards, the newest is one press away."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route, expect

from .place import Place
from .visit import Chat, Visit

LONG = [
    f"{'Question' if number % 2 == 0 else 'Answer'} number {number}\n\nand a second line"
    for number in range(200)
]

_BELOW = "((t) => t.scrollHeight - t.scrollTop - t.clientHeight)(document.getElementById('transcript'))"


async def _top(chat: Chat) -> float:
    return float(await chat.page.evaluate("document.getElementById('transcript').scrollTop"))


async def _below(page: Page) -> float:
    """Pixels between the end of the view and the end of the transcript."""
    return float(await page.evaluate(f"() => {_BELOW}"))


async def test_history_loads_upwards_and_keeps_the_place(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(LONG, "Two hundred"))
    await expect(chat.messages.last).to_contain_text("Answer number 199")
    first = await chat.messages.count()
    assert first < 60
    assert await _below(chat.page) < 2
    # Read up to the very beginning; whatever is at the top of the view must not move when more comes in above it.
    for _ in range(40):
        count = await chat.messages.count()
        if count == 200:
            break
        moved = await chat.page.evaluate(
            """async (count) => {
                const transcript = document.getElementById("transcript");
                const box = document.getElementById("messages");
                transcript.scrollTop = 200;
                const line = transcript.getBoundingClientRect().top;
                const anchor = [...box.children].find((one) => one.getBoundingClientRect().bottom > line);
                const before = anchor.getBoundingClientRect().top;
                await new Promise((done) => {
                    const look = () => requestAnimationFrame(box.children.length > count ? done : look);
                    look();
                });
                return Math.abs(anchor.getBoundingClientRect().top - before);
            }""",
            count,
        )
        assert moved <= 2
    numbers = await chat.messages.evaluate_all(
        "all => all.map((one) => Number(one.textContent.match(/number (\\d+)/)[1]))"
    )
    assert numbers == list(range(200))
    await expect(chat.page.locator("#earlier")).to_be_hidden()


async def _hold(come: asyncio.Event, route: Route) -> None:
    await come.wait()
    await route.continue_()


async def test_on_a_slow_line_a_long_page_begins_at_its_end_and_stays_where_it_is_read(alice: Visit) -> None:
    path = alice.conversation(LONG[:40], "Forty")
    chat = await alice.chat(alice.conversation(["Short", "Answer"], "Two"))
    place = "document.querySelector('#messages > :last-child').getBoundingClientRect().top"
    for address, up in ((path, 0), (path, 500), (urlsplit(chat.page.url).path, 0)):
        come = asyncio.Event()

        await chat.page.route("**/js/main*.js", partial(_hold, come))
        await chat.page.goto(alice.place.url + address, wait_until="commit")
        await expect(chat.messages.last).to_be_in_viewport()
        await chat.page.evaluate("up => document.getElementById('transcript').scrollBy(0, -up)", up)
        before = await chat.page.evaluate(place)
        come.set()
        await chat.until("() => customElements.get('chat-transcript') !== undefined")
        assert abs(await chat.page.evaluate(place) - before) <= 1
        await chat.page.unroute("**/js/main*.js")


async def test_nothing_moves_while_one_reads_up_page(place: Place, alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(LONG[:20], "Twenty"))
    answer = place.answer()
    await chat.say("Go")
    answer.begin().text("Beginning ")
    await chat.shows("Beginning")
    await chat.page.locator("#transcript").hover()
    await chat.page.mouse.wheel(0, -600)
    jump = chat.page.get_by_role("button", name="Latest")
    await expect(jump).to_be_visible()
    place_before = await _top(chat)
    for number in range(30):
        answer.text(f"\n\nparagraph {number} " + "word " * 30)
        await asyncio.sleep(0.003)
    await expect(chat.answers.last).to_contain_text("paragraph 29")
    answer.end()
    await chat.settled()
    assert abs(await _top(chat) - place_before) <= 1
    await jump.click()
    await expect(jump).to_be_hidden()
    assert await _below(chat.page) <= 2


async def test_at_the_end_the_view_follows_the_stream(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    for number in range(40):
        answer.text(f"\n\nparagraph {number} " + "word " * 30)
        await asyncio.sleep(0.003)
    await expect(chat.answers.last).to_contain_text("paragraph 39")
    # Paragraphs that come onto the screen get their real height a frame later, and the view follows in that one.
    await chat.page.wait_for_function(f"() => {_BELOW} <= 2")
    # New elements, as the server's rendering brings them, have a guessed height until they are drawn. Then the whole
    # is as high as it was before, so that no observer of sizes is told.
    await chat.page.evaluate(
        """async () => {
            const transcript = document.getElementById("transcript");
            const all = transcript.last().querySelectorAll(".prose > *");
            transcript.keepPlace(() => all.forEach((one) => one.replaceWith(one.cloneNode(true))));
            for (let count = 0; count < 3; count++) await new Promise(requestAnimationFrame);
        }"""
    )
    assert await _below(chat.page) < 2
    answer.end()
    await chat.settled()
    await chat.page.wait_for_function(f"() => {_BELOW} < 2")


async def test_a_new_paragraph_leaves_the_style_of_what_stands_there(
    browser: Browser, place: Place, alice: Visit
) -> None:
    """One selector that looks at too much, and each paragraph costs as much as the conversation is long."""
    chat = await alice.chat(alice.conversation(LONG, "Two hundred"))
    answer = place.answer()
    await chat.say("Go")
    answer.begin().text("First")
    await chat.shows("First")
    await browser.start_tracing(page=chat.page, categories=["devtools.timeline"])
    answer.text("\n\nSecond")
    await expect(chat.answers.last.locator("p", has_text="Second")).to_be_visible()
    trace = json.loads(await browser.stop_tracing())
    styled = [event.get("args", {}).get("elementCount", 0) for event in trace["traceEvents"]]
    assert 0 < max(styled) < await chat.page.locator("*").count() / 4
    answer.end()
    await chat.settled()


async def test_long_code_folds_and_unfolds(alice: Visit) -> None:
    code = "```python\n" + "\n".join(f"line_{number} = {number}" for number in range(80)) + "\n```"
    chat = await alice.chat(alice.conversation(["Code?", code], "Code"))
    more = chat.page.get_by_role("button", name="Show all 80 lines")
    await expect(more).to_be_visible()
    await more.click()
    await expect(more).to_have_count(0)
    await expect(chat.page.locator(".code--folded")).to_have_count(0)


async def test_copy_gives_the_source_and_code_gives_the_code(alice: Visit) -> None:
    chat = await alice.chat(
        alice.conversation(["Code?", "Some **bold**\n\n```js\nlet a = '<b>';\n```"], "Code")
    )
    await alice.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=alice.place.url)
    await chat.act(chat.answers.last, "copy")
    await chat.until("async () => (await navigator.clipboard.readText()).includes('**bold**')")
    await chat.page.get_by_role("button", name="Copy").last.scroll_into_view_if_needed()
    await chat.page.locator(".code__copy").click()
    code = "let a = '<b>';"
    await chat.until("async (code) => (await navigator.clipboard.readText()).trim() === code", code)


async def test_plain_text_is_what_an_answer_says_without_what_can_be_pressed_on_it(alice: Visit) -> None:
    lines = "\n".join(f"line {number}" for number in range(3000))
    source = f"So **bold**.\n\n3. three\n4. four\n\n- [x] done\n\n$$a + b$$\n\n```text\n{lines}\n```"
    chat = await alice.chat(alice.conversation(["Two\nlines", source], "Plain"))
    await alice.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=alice.place.url)
    said = f"So bold.\n3. three\n4. four\n[x] done\na+b\n{lines}"
    for article, text in ((chat.answers.last, said), (chat.turns.last, "Two\nlines")):
        await article.hover()
        await chat.menu(article.get_by_role("button", name="More"), "Copy as plain text")
        await chat.until(
            "async (text) => (await navigator.clipboard.readText()).replace(/\\n+/g, '\\n') === text",
            text,
        )

"""Nothing that an answer, a turn or a title says runs script, asks another host or leaves its place."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.fake_upstream import wire

from .conftest import NewVisit
from .hostile import ANSWERS, FOREIGN
from .place import Place
from .visit import Chat, Visit

_POLICY = """() => {
    globalThis.broken = [];
    document.addEventListener("securitypolicyviolation", (event) => globalThis.broken.push(event.violatedDirective));
}"""

_ELEMENTS = (
    ".prose :is(script, iframe, object, embed, style, link, meta, base, form, input, video, audio, template)"
)


async def _is_inert(chat: Chat) -> None:
    found = await chat.page.evaluate(
        """(elements) => {
            const root = document.getElementById("messages");
            return {
                pwned: globalThis.pwned,
                broken: globalThis.broken,
                elements: root.querySelectorAll(elements).length,
                pictures: [...root.querySelectorAll(".prose img")].map((one) => one.outerHTML),
                handlers: [...root.querySelectorAll(".prose *")].flatMap((one) => [...one.attributes])
                    .map((one) => one.name).filter((name) => /^on|^style$|^data-(act|menu)/.test(name)),
                schemes: [...new Set([...root.querySelectorAll(".prose a[href]")].map((one) => one.protocol))],
                rels: [...root.querySelectorAll(".prose a[href]")].filter((one) => !/noopener/.test(one.rel)).length,
                names: [...root.querySelectorAll(".prose :is([id], [name])")].map((one) => one.outerHTML),
            };
        }""",
        _ELEMENTS,
    )
    assert not found["pwned"]
    assert found["broken"] == []
    assert found["elements"] == 0
    assert found["pictures"] == []
    assert found["handlers"] == []
    assert set(found["schemes"]) <= {"http:", "https:", "mailto:"}
    assert found["rels"] == 0
    assert found["names"] == []


@pytest.mark.parametrize("bypass_csp", [False, True], ids=["as served", "without the policy"])
async def test_hostile_answers_are_inert_while_they_stream_and_after_a_reload(
    place: Place, visit: NewVisit, bypass_csp: bool
) -> None:
    alice = await visit(fresh=True, bypass_csp=bypass_csp)
    chat = await alice.chat()
    await chat.page.evaluate(_POLICY)
    answer = place.answer()
    await chat.say("Attack")
    answer.raw(wire.message_start())
    # A block for each, so that none can hide in the one before it.
    for index, text in enumerate(ANSWERS):
        answer.raw(wire.block_start(index))
        # In pieces: what is half written must be as harmless as the whole.
        step = max(5, len(text) // 20)
        for at in range(0, len(text), step):
            answer.text(text[at : at + step], index)
        answer.text("\n\nthe end", index)
        if index < len(ANSWERS) - 1:
            answer.raw(wire.block_stop(index))
        await asyncio.sleep(0.01)
    answer.end(index=len(ANSWERS) - 1)
    await chat.settled()
    await _has_all(chat)
    await _is_inert(chat)
    assert alice.record.foreign == []
    await chat.page.add_init_script(f"({_POLICY})()")
    await chat.page.reload()
    await _has_all(chat)
    await _is_inert(chat)


async def test_the_policy_alone_stops_what_is_not_sanitised(alice: Visit) -> None:
    reached: list[str] = []

    async def reach(route: Route) -> None:
        reached.append(route.request.url)
        await route.abort()

    await alice.context.route(lambda url: FOREIGN in url, reach)
    page = await alice.page("/nothing/")
    # A refresh is no script and leaves the page: that one is the sanitiser's alone.
    raw = [text for text in ANSWERS if "refresh" not in text]
    await page.evaluate("(raw) => { document.getElementById('main').innerHTML = raw.join('<hr>'); }", raw)
    await page.evaluate("new Promise((done) => setTimeout(done, 100))")  # time for what would run
    assert await page.locator("#main img").count() > 5
    assert await page.evaluate("globalThis.pwned") is None
    assert reached == []
    assert any("Content Security Policy" in line for line in alice.record.console)
    alice.record.console.clear()
    alice.record.foreign.clear()


async def _has_all(chat: Chat) -> None:
    blocks = chat.answers.last.locator(".prose")
    await expect(blocks).to_have_count(len(ANSWERS))
    await expect(blocks.last).to_contain_text("the end")


async def test_hostile_links_show_where_they_lead(alice: Visit) -> None:
    chat = await alice.chat(
        alice.conversation(
            ["?", f"[https://bank.example](https://{FOREIGN}/) and [x](https://good@{FOREIGN}/)"]
        )
    )
    for link in await chat.answers.last.locator("a").all():
        around = await link.evaluate("(one) => one.parentElement.textContent + one.title")
        assert FOREIGN in around


async def test_a_picture_of_an_answer_is_named_but_not_fetched(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["?", f"![a chart](https://{FOREIGN}/?q=secret)"]))
    await chat.shows(FOREIGN)
    assert alice.record.foreign == []


async def test_hostile_turns_titles_and_names_are_text(place: Place, visit: NewVisit) -> None:
    attack = "<img src=x onerror=globalThis.pwned=1>"
    mallory = await visit(person={"display_name": attack})
    path = mallory.conversation([attack, "Answer"], attack)
    chat = await mallory.chat(path)
    await expect(chat.title).to_have_text(attack)
    await expect(chat.turns.first.locator(".message__text")).to_have_text(attack)
    await expect(chat.page.locator("#conversations .entry__title").first).to_have_text(attack)
    await chat.page.keyboard.press("Control+k")
    await expect(chat.page.locator("#command-list [role=option]").first).to_contain_text(attack)
    await chat.page.keyboard.press("Escape")
    await chat.ask(attack)
    account = await mallory.page("/account/")
    for page in (chat.page, account):
        assert await page.evaluate("globalThis.pwned") is None
        assert await page.evaluate("document.querySelector('img[src=x]')") is None


async def test_what_is_hidden_in_a_text_shows_and_is_not_copied(place: Place, alice: Visit) -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "buy")
    scotland = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\U000e007f"
    chat = await alice.chat()
    answer = place.answer()
    await chat.say(f"Hi{hidden} {scotland}")
    turn, shown = chat.turns.last.locator(".message__text"), f"Hi\ufffd {scotland}"
    await expect(turn).to_have_text(shown)
    answer.begin()
    answer.text(f"Ho{hidden} {scotland}")
    answer.end()
    await chat.settled()
    await alice.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=alice.place.url)
    copied = "async (text) => (await navigator.clipboard.readText()) === text"
    for _ in range(2):
        await expect(turn).to_have_text(shown)
        await chat.act(chat.turns.last, "copy")
        await chat.until(copied, shown)
        await chat.act(chat.answers.last, "copy")
        await chat.until(copied, f"Ho\ufffd {scotland}")
        await chat.page.reload()


async def test_the_copy_of_a_long_answer_holds_nothing_hidden(alice: Visit) -> None:
    long = "word " * 5000
    chat = await alice.chat(alice.conversation(["?", f"{long}Ho\U000e0062\U000e0075"]))
    await alice.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=alice.place.url)
    await chat.act(chat.answers.last, "copy")
    await chat.until("async (text) => (await navigator.clipboard.readText()) === text", f"{long}Ho\ufffd")


async def test_hostile_thinking_and_tools_are_text(place: Place, chat: Chat) -> None:
    attack = "<img src=x onerror=globalThis.pwned=1>[x](javascript:globalThis.pwned=1)"
    tool_input = '{"a": "</pre><script>globalThis.pwned=1</script>"}'
    answer = place.answer()
    await chat.say("Go")
    answer.raw(wire.message_start() + wire.block_start(0, type="thinking", thinking="", signature=""))
    answer.raw(wire.delta(0, type="thinking_delta", thinking=attack) + wire.block_stop(0))
    answer.raw(wire.block_start(1, type="tool_use", id="toolu_1", name=attack, input={}))
    answer.raw(wire.delta(1, type="input_json_delta", partial_json=tool_input))
    answer.end("tool_use", 1)
    await chat.settled()
    for _ in range(2):
        await expect(chat.answers.last.locator(".thinking__text")).to_have_text(attack)
        await expect(chat.answers.last.locator(".tool__name")).to_have_text(attack)
        assert await chat.page.evaluate("globalThis.pwned") is None
        assert await chat.answers.last.locator("img, script, a").count() == 0
        await chat.page.reload()

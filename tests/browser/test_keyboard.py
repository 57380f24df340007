"""Everything by keyboard."""

from __future__ import annotations

import re

from playwright.async_api import expect

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit


async def test_the_map_of_keys(place: Place, alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "Keys"))
    keyboard = chat.page.keyboard
    await keyboard.press("/")
    await expect(chat.composer).to_be_focused()
    await expect(chat.composer).to_have_value("")
    await chat.page.locator("#transcript").focus()
    await keyboard.press("?")
    help_sheet = chat.page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(help_sheet).to_be_visible()
    await keyboard.press("Escape")
    await expect(help_sheet).to_be_hidden()
    await expect(chat.page.locator("#transcript")).to_be_focused()
    await keyboard.press("Control+b")
    await expect(chat.page.locator("#sidebar")).to_be_hidden()
    await keyboard.press("Control+b")
    await expect(chat.page.locator("#sidebar")).to_be_visible()
    # K where the keyboard has Russian letters.
    await chat.page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent("
        "'keydown', {key: 'л', code: 'KeyK', ctrlKey: true, bubbles: true}))"
    )
    await expect(chat.page.get_by_role("dialog", name="Search")).to_be_visible()
    await keyboard.press("Escape")
    await keyboard.press("Control+Shift+O")
    await chat.page.wait_for_url(re.compile(r"/$"))
    await expect(chat.composer).to_be_focused()


async def test_letters_in_the_field_are_letters(chat: Chat) -> None:
    await chat.composer.press_sequentially("what? and/or")
    await expect(chat.composer).to_have_value("what? and/or")
    await expect(chat.page.get_by_role("dialog")).to_have_count(0)


async def test_escape_stops_the_answer(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin().text("Some words")
    await chat.shows("Some words")
    for panel, button in (("#settings", "Settings for this conversation"), ("#people", "Share")):
        await chat.page.get_by_role("button", name=button).click()
        await expect(chat.page.locator(f"{panel} :focus")).to_be_visible()
        await chat.page.keyboard.press("Escape")
        await expect(chat.page.locator(panel)).to_be_hidden()
    answer.text(" and more")
    await chat.shows("Some words and more")
    await chat.page.get_by_role("button", name="Settings for this conversation").click()
    await chat.composer.focus()
    await chat.page.keyboard.press("Escape")
    await chat.settled("stopped")
    await expect(chat.page.locator("#settings")).to_be_visible()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.locator("#settings")).to_be_hidden()
    await expect(chat.composer).to_be_focused()


async def test_keys_have_the_names_of_the_keyboard(visit: NewVisit) -> None:
    apple = await visit(fresh=True)
    await apple.context.add_init_script("Object.defineProperty(navigator, 'platform', { value: 'MacIntel' })")
    chat = await apple.chat()
    await chat.page.keyboard.press("Meta+k")
    dialog = chat.page.locator("chat-command dialog")
    await expect(dialog.get_by_role("option", name="New conversation")).to_contain_text("⌘ ⇧ O")
    assert not await chat.page.get_by_text("Ctrl").count()


async def test_arrow_up_in_an_empty_field_edits_the_last_message(place: Place, chat: Chat) -> None:
    await chat.ask("The last message")
    await chat.composer.press("ArrowUp")
    field = chat.page.get_by_role("textbox", name="Edit the message")
    await expect(field).to_be_focused()
    await field.fill("Edited by keyboard")
    await field.press("Control+Enter")
    await expect(chat.turns.last).to_contain_text("Edited by keyboard")
    await chat.settled()
    await expect(chat.turns).to_have_count(1)


async def test_a_menu_moves_its_focus_and_gives_it_back(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "Menu"))
    opener = chat.page.get_by_label("More for this conversation")
    await opener.focus()
    await chat.page.keyboard.press("Enter")
    items = chat.page.locator("#conversation-menu [role=menuitem]")
    await expect(items.first).to_be_focused()
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await chat.page.keyboard.press("ArrowDown")
    await expect(items.nth(1)).to_be_focused()
    await chat.page.keyboard.press("End")
    await expect(items.last).to_be_focused()
    await chat.page.keyboard.press("ArrowDown")
    await expect(items.first).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
    await expect(opener).to_have_attribute("aria-expanded", "false")


async def test_an_archived_entry_hands_its_focus_on(alice: Visit) -> None:
    alice.conversation(["Question", "Answer"], "Older", days=1)
    alice.conversation(["Question", "Answer"], "Newer")
    chat = await alice.chat()
    entries = chat.page.locator("#conversations .entry")
    for left in (1, 0):
        await entries.first.locator(".entry__more").focus()
        await chat.page.keyboard.press("Enter")
        await expect(chat.page.locator("#entry-menu [data-act=archive]")).to_be_focused()
        await chat.page.keyboard.press("Enter")
        await expect(entries).to_have_count(left)
        await expect(
            entries.get_by_role("link") if left else chat.page.locator("#conversations")
        ).to_be_focused()


async def test_a_whole_conversation_without_a_mouse(place: Place, alice: Visit) -> None:
    chat = await alice.chat()
    keyboard = chat.page.keyboard
    await expect(chat.composer).to_be_focused()
    await keyboard.type("By keyboard")
    await keyboard.press("Enter")
    await chat.settled()
    await expect(chat.composer).to_be_focused()
    # Backwards from the field lies the answer with its actions.
    for _ in range(12):
        await keyboard.press("Shift+Tab")
        if await chat.page.evaluate("document.activeElement.dataset.act") == "regenerate":
            break
    await expect(chat.answers.last.locator("[data-act=regenerate]")).to_be_focused()
    await expect(chat.answers.last.locator(".foot")).to_have_css("opacity", "1")
    await keyboard.press("Enter")
    await expect(chat.answers.last.locator(".branch__count")).to_have_text("2/2")
    await chat.settled()
    assert await chat.page.evaluate("document.activeElement !== document.body")


async def test_the_skip_link_leads_to_the_field(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "Skip"))
    await chat.page.keyboard.press("Tab")
    skip = chat.page.get_by_role("link", name="Skip to the message field")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await chat.page.keyboard.press("Enter")
    await expect(chat.composer).to_be_focused()


async def test_focus_is_always_seen(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer with `code`\n\n```\ncode\n```"], "Focus"))
    seen = set()
    for _ in range(40):
        await chat.page.keyboard.press("Tab")
        found = await chat.page.evaluate(
            """async () => {
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                const one = document.activeElement;
                if (one === document.body) return null;
                const box = one.getBoundingClientRect();
                const style = getComputedStyle(one);
                const around = getComputedStyle(one.closest("form") ?? one);
                const name = one.getAttribute("aria-label") || one.textContent.trim().slice(0, 30);
                return {
                    name: name || one.id || one.tagName,
                    visible: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
                    ring: style.outlineStyle !== "none" || around.boxShadow !== "none",
                };
            }"""
        )
        if found is None:
            break
        seen.add(found["name"])
        assert found["visible"] and found["ring"], found
    assert len(seen) > 10

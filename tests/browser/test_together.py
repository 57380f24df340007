"""Two people in one conversation: the same characters at the same time, who is there, who asks, what is unread."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests import patience

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit


async def share(chat: Chat, name: str, role: str) -> None:
    """By the panel, as its owner does."""
    await chat.page.get_by_role("button", name="Share", exact=True).click()
    panel = chat.page.locator("#people")
    await panel.locator("#people-who-field").fill(name)
    await panel.get_by_label("What they may do").select_option(role)
    await panel.get_by_role("button", name="Add", exact=True).first.click()
    await expect(panel.locator(".people__person")).to_have_count(2)
    await chat.page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()


async def together(alice: Visit, visit: NewVisit, path: str, role: str) -> tuple[Chat, Chat]:
    """Her page and his: Alice has given Bob this role."""
    bob = await visit(person={"display_name": "Bob"})
    hers = await alice.chat(path)
    await share(hers, bob.name, role)
    return hers, await bob.chat(path)


@pytest.fixture
def path(alice: Visit) -> str:
    return alice.conversation(["A question", "An answer"], title="Coast photographs")


async def test_a_name_that_is_being_written_outlives_news_of_the_conversation(
    alice: Visit, path: str
) -> None:
    hers, elsewhere = await alice.chat(path), await alice.chat(path)
    panel, asked, typed = hers.page.locator("#people"), asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await typed.wait()
        await route.continue_()

    await hers.page.get_by_role("button", name="Share", exact=True).click()
    field = panel.locator("#people-who-field")
    await expect(field).to_be_focused()
    await hers.page.route("**/people/", hold)
    await elsewhere.title.click()
    await elsewhere.page.get_by_role("textbox", name="Title").fill("Renamed elsewhere")
    await elsewhere.page.keyboard.press("Enter")
    async with asyncio.timeout(patience.SECONDS):
        await asked.wait()
    await field.fill("Bo")
    async with hers.page.expect_response("**/people/"):
        typed.set()
    await hers.page.evaluate("new Promise(requestAnimationFrame)")
    await expect(field).to_have_value("Bo")


HAS_GONE = "async (one) => !one.isConnected"


async def news_of(chat: Chat) -> list[str]:
    """News of the conversation, and what the panel has waited for since; returns what it asked the server for."""
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    tell = "id => document.dispatchEvent(new CustomEvent('chatsite:conversation', { detail: { id } }))"
    await chat.page.evaluate(tell, chat.conversation)
    await chat.page.clock.run_for(1000)
    # What was asked for before this is known when this is answered.
    await chat.page.evaluate("fetch('/healthz').then(() => null)")
    return [url for url in asked if url.endswith("/people/")]


async def test_what_the_next_link_shall_show_and_its_address_outlive_news_of_the_conversation(
    alice: Visit, path: str
) -> None:
    alice.place.clerk.workspace(public_links=True)
    chat = await alice.chat(path)
    panel = chat.page.locator("#people")
    ends, made = panel.locator("[data-ends]"), panel.get_by_label("Link", exact=True)
    public, name = (
        panel.get_by_label("Also for people without an account"),
        panel.locator("#people-who-field"),
    )
    create = panel.get_by_role("button", name="Create a link")
    await chat.page.get_by_role("button", name="Share", exact=True).click()
    await expect(name).to_be_focused()
    await chat.page.clock.install()
    before = await panel.locator("[data-people]").element_handle()
    assert await news_of(chat)
    await chat.until(HAS_GONE, before)
    await create.focus()
    assert await news_of(chat) == []
    await public.check()
    await name.focus()
    assert await news_of(chat) == []
    await public.uncheck()
    await panel.get_by_label("Lasts").select_option("365")
    await name.focus()
    assert await news_of(chat) == []
    await chat.menu(chat.turns.first.get_by_role("button", name="More"), "Share up to here")
    await panel.get_by_label("Lasts").select_option("30")
    await name.focus()
    assert await news_of(chat) == []
    # And back: what is open to everybody stands in the sidebars of other tests.
    for visibility in ("workspace", "private"):
        before = await panel.locator("[data-people]").element_handle()
        await panel.get_by_label("Open to").select_option(visibility)
        await chat.until(HAS_GONE, before)
        await expect(ends).to_have_text("It ends at the message that you chose.")
    await create.click()
    url = await made.input_value()
    await name.focus()
    assert await news_of(chat) == []
    await expect(made).to_have_value(url)
    await expect(ends).to_be_empty()
    page = await alice.page(url.removeprefix(alice.place.url))
    await expect(page.locator(".message")).to_have_count(1)


async def test_both_see_the_same_answer_live_and_each_other(
    place: Place, alice: Visit, visit: NewVisit, path: str
) -> None:
    hers, his = await together(alice, visit, path, "writer")
    await expect(hers.page.locator("#present .avatar")).to_have_text(["A", "B"])
    await expect(his.page.locator("#present .avatar")).to_have_text(["B", "A"])
    await expect(hers.page.locator("#composer-hint")).to_contain_text("Bob is reading along.")
    answer = place.answer()
    await his.say("Asked by Bob")
    await expect(hers.turns.last.locator(".message__author")).to_contain_text("Bob")
    await expect(hers.page.locator("#composer-state")).to_have_text("Bob is asking.")
    answer.begin()
    for piece in ("One ", "two ", "three"):
        answer.text(piece)
        for chat in (hers, his):
            await chat.shows(piece.strip())
    answer.end()
    for chat in (hers, his):
        await chat.settled()
    assert await hers.text_of(hers.answers.last) == await his.text_of(his.answers.last)
    await his.page.close()
    await expect(hers.page.locator("#present .avatar")).to_have_count(0)


LONG_NAME = "Bartholomew Featherstonehaugh-Cholmondeley of the Harbour Office"


async def test_a_long_name_leaves_room_for_everything_else_in_the_panel(
    alice: Visit, visit: NewVisit, path: str
) -> None:
    bob = await visit(person={"display_name": LONG_NAME})
    chat = await alice.chat(path)
    await share(chat, bob.name, "writer")
    for width in (1440, 360):
        await chat.page.set_viewport_size({"width": width, "height": 740})
        await chat.page.locator("[data-act=people]").first.evaluate("button => button.click()")
        panel = chat.page.locator("#people")
        await expect(panel.locator(".people__name").last).to_have_text(LONG_NAME)
        await expect(panel.get_by_role("button", name=f"Remove {LONG_NAME}")).to_be_in_viewport(ratio=1)
        await expect(panel.get_by_role("button", name="Add", exact=True)).to_be_in_viewport(ratio=1)
        assert await panel.locator(".panel__body").evaluate("one => one.scrollWidth <= one.clientWidth")
        await panel.get_by_role("button", name="Close", exact=True).click()
        await expect(panel).to_be_hidden()


async def test_on_a_phone_who_is_asking_has_a_line_of_its_own(
    place: Place, alice: Visit, visit: NewVisit, path: str
) -> None:
    bob = await visit(person={"display_name": LONG_NAME})
    hers = await alice.chat(path)
    await share(hers, bob.name, "writer")
    await hers.page.set_viewport_size({"width": 360, "height": 740})
    his = await bob.chat(path)
    answer = place.answer()
    await his.say("Asked by Bob")
    state = hers.page.locator("#composer-state")
    await expect(state).to_have_text(f"{LONG_NAME} is asking.")
    box, form = await state.bounding_box(), await hers.page.locator(".composer__form").bounding_box()
    assert box is not None and form is not None
    assert box["height"] <= 3 * 24 and box["width"] > 0.8 * form["width"]
    await expect(hers.stop).to_be_in_viewport(ratio=1)
    answer.begin().end()
    await hers.settled()
    await expect(state).to_have_text("")


async def test_who_is_removed_in_mid_answer_is_cut_at_once(
    place: Place, alice: Visit, visit: NewVisit, path: str
) -> None:
    hers, his = await together(alice, visit, path, "writer")
    answer = place.answer()
    await hers.say("Go on")
    answer.begin().text("Before the cut. ")
    await his.shows("Before the cut.")
    hint = his.page.locator("#composer-hint")
    await expect(hint).to_contain_text("Alice is reading along.")
    await hers.page.get_by_role("button", name="Share", exact=True).click()
    await hers.page.get_by_role("button", name="Remove Bob").click()
    await expect(his.bar).to_contain_text("no longer shared with you")
    await has_ended(his)
    await expect(hint).not_to_contain_text("reading along")
    await expect(his.page.locator("#present .avatar")).to_have_count(0)
    answer.text("Behind the cut.")
    answer.end()
    await hers.shows("Behind the cut.")
    await expect(his.answers.last).not_to_contain_text("Behind")
    await expect(his.page.locator(f"[data-conversation='{path.split('/')[2]}']")).to_have_count(0)


async def has_ended(chat: Chat) -> None:
    """The page waits for nothing any more: no answer is under way, and there is nothing to stop."""
    await expect(chat.stop).to_be_hidden()
    await expect(chat.page.locator("#send")).to_be_visible()
    await expect(chat.page.locator("#messages [aria-busy=true]")).to_have_count(0)
    await expect(chat.page.locator("#messages .caret")).to_have_count(0)
    await expect(chat.page.locator("#messages .waiting:visible")).to_have_count(0)


@pytest.mark.parametrize("begun", [True, False], ids=["in mid-answer", "before the first word"])
async def test_a_conversation_that_is_deleted_while_it_answers_waits_for_nothing(
    place: Place, alice: Visit, path: str, begun: bool
) -> None:
    chat = await alice.chat(path)
    other = await alice.chat(path)
    answer = place.answer()
    await chat.say("Go on")
    if begun:
        answer.begin().text("As far as this. ")
        await chat.shows("As far as this.")
    await expect(other.stop).to_be_visible()
    await other.menu(other.page.locator("#header [data-menu=conversation-menu]"), "Delete")
    await expect(chat.bar).to_contain_text("deleted")
    await has_ended(chat)
    answer.text("More.").end()
    if begun:
        await chat.shows("As far as this.")


async def test_what_others_wrote_is_marked_until_it_is_seen(
    place: Place, alice: Visit, visit: NewVisit, path: str
) -> None:
    bob = await visit(person={"display_name": "Bob"})
    hers = await alice.chat(path)
    await share(hers, bob.name, "writer")
    entry = f"[data-conversation='{path.split('/')[2]}']"
    his = await bob.chat()
    await expect(his.page.locator(entry)).to_have_class("entry entry--unread")
    async with his.page.expect_response(lambda response: response.url.endswith("/read/")):
        await his.page.locator(entry).get_by_role("link").click()
    await his.open()
    await expect(his.page.locator(entry)).to_have_class("entry")
    await hers.ask("News")
    await expect(his.page.locator(entry)).to_have_class("entry entry--unread")
    await his.open()
    await expect(his.page.locator(entry)).to_have_class("entry entry--unread")


async def test_a_reader_may_read_only(place: Place, alice: Visit, visit: NewVisit, path: str) -> None:
    hers, his = await together(alice, visit, path, "reader")
    await expect(his.composer).to_have_attribute(
        "placeholder", "You may read this conversation, but not write in it."
    )
    await expect(his.page.locator("#send")).to_be_disabled()
    await expect(his.page.locator("#composer-model")).to_be_disabled()
    answer = place.answer().begin()
    await hers.say("How wide is it?")
    await expect(his.stop).to_be_visible()
    await expect(his.stop).to_be_disabled()
    answer.text("Very.").end()
    await expect(his.stop).to_be_hidden()
    await expect(his.page.locator("#title")).to_have_text("Coast photographs")
    await his.page.get_by_role("button", name="People", exact=True).click()
    await expect(his.page.locator("#people")).to_contain_text("Leave this conversation")


async def test_others_turns_say_who_and_when_and_a_readers_title_keeps_its_distance(
    alice: Visit, visit: NewVisit, path: str
) -> None:
    hers, his = await together(alice, visit, path, "reader")
    author = his.turns.first.locator(".message__author")
    await expect(author).to_contain_text("Alice")
    await expect(author.locator("time")).to_be_visible()
    await expect(author.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    await expect(his.turns.first.locator(".foot__facts")).to_be_empty()
    await expect(hers.turns.first.locator(".foot__facts")).not_to_be_empty()
    for chat in (hers, his):
        await expect(chat.title).to_have_css("padding-right", "8px")


READING = "You may read this conversation, but not write in it."


async def is_closed(chat: Chat, draft: str) -> None:
    """Nothing can be sent, the page says why, and the draft is there."""
    await expect(chat.page.locator("#composer-state")).to_have_text(READING)
    await expect(chat.page.locator("#send")).to_be_disabled()
    await expect(chat.composer).to_have_js_property("readOnly", True)
    await expect(chat.composer).to_have_value(draft)
    await expect(chat.bar).to_be_hidden()
    await expect(chat.messages).to_have_count(2)
    await expect(chat.stop).to_be_hidden()


async def test_who_may_write_no_longer_hears_so_and_keeps_the_draft(
    place: Place, alice: Visit, visit: NewVisit, path: str
) -> None:
    bob = await visit(person={"display_name": "Bob"})
    conversation = path.split("/")[2]
    place.clerk.share(conversation, bob.name, "writer")
    his = await bob.chat(path)
    edits = await bob.chat(path)
    await edits.act(edits.turns.last, "edit")
    field = edits.page.locator(".edit__text")
    await field.fill("Another question")
    place.clerk.role(conversation, bob.name, "reader")
    await his.composer.fill("Too late")
    await his.composer.press("Enter")
    await is_closed(his, "Too late")
    await his.page.reload()
    await is_closed(his, "Too late")
    await field.press("Enter")
    await is_closed(edits, "")
    await expect(field).to_have_value("Another question")
    await field.press("Enter")
    await is_closed(edits, "")


async def test_a_change_of_role_reaches_the_open_page(
    place: Place, alice: Visit, visit: NewVisit, path: str
) -> None:
    hers, his = await together(alice, visit, path, "writer")
    await his.composer.fill("A draft")
    await hers.page.get_by_role("button", name="Share", exact=True).click()
    role = hers.page.locator("#people form[data-on-change][action$='/role/'] select")
    await expect(hers.page.locator("#people-who-field")).to_be_focused()
    await role.focus()
    await role.select_option("reader")
    await is_closed(his, "A draft")
    await expect(hers.page.locator("#announcer")).to_have_text("Saved.")
    await expect(role).to_be_focused()
    await role.select_option("writer")
    await expect(his.page.locator("#composer-state")).to_be_empty()
    await expect(his.composer).to_have_attribute("placeholder", "Write a message")
    await his.composer.press("Enter")
    await his.settled()
    await expect(his.turns.last.locator(".message__text")).to_have_text("A draft")


async def test_a_link_is_made_copied_followed_and_switched_off(
    alice: Visit, visit: NewVisit, path: str
) -> None:
    alice.place.clerk.workspace(public_links=True)
    hers = await alice.chat(path)
    await hers.page.get_by_role("button", name="Share", exact=True).click()
    panel = hers.page.locator("#people")
    await panel.get_by_label("Also for people without an account").check()
    await panel.get_by_role("button", name="Create a link").click()
    url = await panel.get_by_label("Link", exact=True).input_value()
    guest = await visit(signed_in=False, viewport={"width": 360, "height": 700})
    page = await guest.page(url.removeprefix(alice.place.url))
    await expect(page.locator(".message")).to_have_count(2)
    await expect(page.get_by_role("heading", name="Coast photographs")).to_be_visible()
    await hers.menu(hers.turns.first.get_by_role("button", name="More"), "Share up to here")
    await expect(panel.locator("[data-ends]")).to_have_text("It ends at the message that you chose.")
    await panel.get_by_role("button", name="Create a link").click()
    await expect(panel.get_by_label("Link", exact=True)).not_to_have_value(url)
    await panel.get_by_role("button", name="Switch off").last.click()
    await expect(panel.get_by_role("button", name="Switch on")).to_be_focused()
    response = await page.reload()
    assert response is not None and response.status == 404

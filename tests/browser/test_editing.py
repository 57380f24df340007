"""What is written in an edit is lost only when its writer says so: not by a refusal, a cut, a refresh or a reload."""

from __future__ import annotations

import asyncio
import re

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Route, expect

from tests import patience

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit

MINE = "Mine, and long in the making"


@pytest.fixture
def path(alice: Visit) -> str:
    return alice.conversation(["A question", "An answer", "Another question", "Another answer"])


@pytest_asyncio.fixture(loop_scope="session")
async def old(alice: Visit, path: str) -> Chat:
    return await alice.chat(path)


@pytest_asyncio.fixture(loop_scope="session")
async def his(place: Place, visit: NewVisit, old: Chat, path: str) -> Chat:
    """The same conversation before Bob, who may write in it."""
    bob = await visit(person={"display_name": "Bob"})
    place.clerk.share(path.split("/")[2], bob.name, "writer")
    return await bob.chat(path)


async def edit(chat: Chat, turn: int, text: str) -> Locator:
    """Opens the edit of that turn and writes; nothing is sent."""
    await chat.act(chat.turns.nth(turn), "edit")
    field = chat.page.locator(".edit__text")
    await field.fill(text)
    return field


async def has_kept(chat: Chat, field: Locator, text: str = MINE) -> None:
    """The form is there with its text, once, and nothing else is doubled or lost."""
    await expect(field).to_have_count(1)
    await expect(field).to_have_value(text)
    await expect(field).to_be_visible()


async def test_an_edit_that_meets_a_running_answer_keeps_its_text(
    place: Place, alice: Visit, old: Chat, path: str
) -> None:
    field = await edit(old, 1, MINE)
    other = await alice.chat(path)
    answer = place.answer()
    await other.act(other.answers.last, "regenerate")
    await expect(old.stop).to_be_visible()
    await has_kept(old, field)
    await field.press("Enter")
    await expect(old.page.locator("#composer-state")).to_contain_text("still answering here")
    await has_kept(old, field)
    await expect(field).to_be_focused()
    await expect(old.messages).to_have_count(4)
    answer.begin().text("Now it is done.").end()
    await old.settled()
    await has_kept(old, field)
    await field.press("Enter")
    await old.settled()
    await expect(field).to_have_count(0)
    await expect(old.turns.last.locator(".message__text")).to_have_text(MINE)


async def test_an_edit_off_the_network_keeps_its_text_and_goes_out_later(alice: Visit, old: Chat) -> None:
    field = await edit(old, 0, MINE)
    await alice.context.set_offline(True)
    await field.press("Enter")
    await expect(old.page.locator("#composer-state")).to_contain_text("cannot be reached")
    await has_kept(old, field)
    await expect(field).to_be_focused()
    await alice.context.set_offline(False)
    await expect(old.bar).to_be_hidden()
    await has_kept(old, field)
    await field.press("Enter")
    await old.settled()
    await expect(old.messages).to_have_count(2)
    await expect(old.turns.last.locator(".message__text")).to_have_text(MINE)


async def test_an_edit_is_not_undone_by_what_was_fetched_before_it(alice: Visit, old: Chat) -> None:
    field = await edit(old, 0, MINE)
    fetched, passed = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        before = await route.fetch()
        fetched.set()
        await passed.wait()
        await route.fulfill(response=before)

    await old.page.route(lambda url: "/history/" in url, late, times=1)
    await alice.context.set_offline(True)
    await expect(old.bar).to_be_visible()
    await alice.context.set_offline(False)
    async with asyncio.timeout(patience.SECONDS):
        await fetched.wait()
    await field.press("Enter")
    await expect(old.answers.last).to_have_attribute("data-message", re.compile("."))
    await old.settled()
    await expect(old.messages).to_have_count(2)
    async with old.page.expect_request(lambda request: "/history/" in request.url) as again:
        passed.set()
    await (await again.value).response()
    await expect(old.messages).to_have_count(2)
    await expect(old.turns.last.locator(".message__text")).to_have_text(MINE)


async def test_an_edit_that_is_too_long_keeps_its_text(old: Chat) -> None:
    text = "x" * 200_001
    field = await edit(old, 1, text)
    await field.press("Enter")
    await expect(old.page.locator("#composer-state")).to_contain_text("200,001 characters")
    await has_kept(old, field, text)


async def test_an_edit_outlives_a_reload_and_ends_with_cancel(old: Chat) -> None:
    await edit(old, 1, MINE)
    await old.page.reload()
    await old.act(old.turns.nth(0), "edit")
    field = old.page.locator(".edit__text")
    await expect(field).to_have_value("A question")
    await field.press("Escape")
    await old.act(old.turns.nth(1), "edit")
    await expect(field).to_have_value(MINE)
    await expect(old.page.locator(".edit")).to_contain_text("did not send")
    await old.page.get_by_role("button", name="Cancel").click()
    await old.act(old.turns.nth(1), "edit")
    await expect(field).to_have_value("Another question")
    await field.press("Escape")
    # The second press of a double click lands where Cancel is by then.
    await old.turns.nth(1).hover()
    await old.turns.nth(1).locator("[data-act=edit]").dblclick()
    await expect(field).to_be_visible()


async def test_an_edit_is_as_high_as_its_text_where_fields_do_not_size_themselves(alice: Visit) -> None:
    text = "A line\n" * 6
    chat = await alice.chat(alice.conversation([text, "An answer"]))
    await chat.page.evaluate(
        """() => {
            CSS.supports = () => false;
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(".edit__text { field-sizing: fixed; }");
            document.adoptedStyleSheets.push(sheet);
        }"""
    )
    await chat.act(chat.turns.first, "edit")
    field = chat.page.locator(".edit__text")
    await expect(field).to_be_visible()
    is_whole = "one => one.scrollHeight <= one.clientHeight"
    assert await field.evaluate(is_whole)
    await field.fill(text * 2)
    assert await field.evaluate(is_whole)


async def test_an_edit_stays_open_when_somebody_else_edits_the_same_message(old: Chat, his: Chat) -> None:
    mine = await edit(old, 1, MINE)
    await (await edit(his, 1, "What Bob wants")).press("Enter")
    await his.settled()
    await expect(old.turns.last.locator(".branch__count")).to_have_text("2/2")
    await has_kept(old, mine)
    await expect(mine).to_be_focused()
    await expect(old.page.locator(".edit")).to_contain_text("changed")
    await mine.press("Enter")
    await old.settled()
    await expect(old.turns.last.locator(".branch__count")).to_have_text("3/3")
    await expect(old.turns.last.locator(".message__text")).to_have_text(MINE)
    await expect(old.messages).to_have_count(4)


async def test_an_edit_of_which_the_page_hears_nothing_is_shown_when_it_was_taken(old: Chat) -> None:
    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await old.page.route("**/edit/", lose)
    await (await edit(old, 1, MINE)).press("Enter")
    await expect(old.turns.last.locator(".branch__count")).to_have_text("2/2")
    await old.settled()
    await expect(old.turns.locator(".message__text")).to_have_text(["A question", MINE])
    await expect(old.page.locator(".edit")).to_have_count(0)


async def test_nothing_is_asked_again_while_a_send_is_on_its_way(old: Chat) -> None:
    passed = asyncio.Event()

    async def refuse(route: Route) -> None:
        await passed.wait()
        await route.fulfill(status=409, json={"error": {"type": "busy", "message": "Not now."}})

    await old.page.route(lambda url: url.endswith("/messages/"), refuse, times=1)
    await old.say("On its way")
    await old.act(old.answers.first, "regenerate")
    state = old.page.locator("#composer-state")
    await expect(state).to_contain_text("on its way")
    passed.set()
    await expect(state).to_contain_text("Not now.")
    await expect(old.composer).to_have_value("On its way")
    await expect(old.messages).to_have_count(4)


async def test_what_was_sent_before_somebody_elses_edit_came_is_shown_in_its_own_branch(
    old: Chat, his: Chat
) -> None:
    passed = asyncio.Event()

    async def late(route: Route) -> None:
        await passed.wait()
        await route.continue_()

    await old.page.route(lambda url: url.endswith("/messages/"), late, times=1)
    await old.say("Below the second answer")
    await (await edit(his, 0, "From the beginning")).press("Enter")
    await expect(old.turns.first.locator(".message__text")).to_have_text("From the beginning")
    passed.set()
    await expect(old.messages).to_have_count(6)
    await old.settled()
    texts = old.turns.locator(".message__text")
    await expect(texts).to_have_text(["A question", "Another question", "Below the second answer"])


async def test_an_edit_comes_back_with_its_place_when_another_branch_was_shown(old: Chat, his: Chat) -> None:
    mine = await edit(old, 1, MINE)
    await (await edit(his, 0, "From the beginning")).press("Enter")
    await his.settled()
    await expect(old.messages).to_have_count(2)
    await expect(old.page.locator("#toasts")).to_contain_text("Your edit is kept")
    await old.act_branch(old.turns.first, "Previous version")
    await expect(old.messages).to_have_count(4)
    await has_kept(old, mine)


async def test_an_edit_of_a_turn_that_this_page_sent_stays_through_a_refresh(
    place: Place, alice: Visit, chat: Chat
) -> None:
    await chat.ask("Sent from here")
    await chat.ask("And this")
    field = await edit(chat, 1, MINE)
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    answer = place.answer()
    await other.act(other.answers.last, "regenerate")
    answer.begin().text("Another answer.").end()
    await chat.shows("Another answer.")
    await chat.settled()
    await has_kept(chat, field)

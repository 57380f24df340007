"""An answer belongs to the server: reloads and second tabs neither lose nor double a character."""

from __future__ import annotations

import asyncio

from playwright.async_api import Route, WebSocketRoute, expect

from .place import Place
from .texts import HARD, pieces, shown_and_expected
from .visit import Chat, Visit
from .words import has_exactly, words


async def test_a_reload_in_mid_answer_loses_and_doubles_nothing(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    text = HARD + "\n\n```python\n" + "x = 1\n" * 10
    cut = text.rindex("x = 1")  # inside the open fence
    for piece in pieces(text[:cut], 5):
        answer.text(piece)
    await chat.shows("x = 1")
    await chat.page.reload()
    await chat.shows("x = 1")
    assert (await chat.text_of(chat.answers.last)).count("x = 1") == 9
    answer.text(text[cut:])
    await chat.page.reload()
    answer.text("```\nDone.")
    answer.end()
    await chat.settled()
    shown, expected = await shown_and_expected(chat.answers.last, text + "```\nDone.")
    assert shown == expected


async def test_an_end_whose_rendering_is_lost_on_the_way_is_shown_all_the_same(
    place: Place, chat: Chat
) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin().text("To the **end**")
    await chat.shows("To the")
    await chat.page.route("**/messages/*/", lambda route: route.abort(), times=1)
    answer.end()
    await chat.settled()
    await expect(chat.answers.last.locator("strong")).to_have_text("end")


async def test_two_tabs_are_live_at_once_and_a_third_joins(place: Place, alice: Visit, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    words(answer, 0, 10)
    await chat.shows("w9")
    second = await alice.chat(f"/conversations/{chat.conversation}/")
    await has_exactly(second, 10)
    words(answer, 10, 20)
    third = await alice.chat(f"/conversations/{chat.conversation}/")
    words(answer, 20, 30)
    for tab in (chat, second, third):
        await has_exactly(tab, 30)
    answer.end()
    for tab in (chat, second, third):
        await tab.settled()
        await has_exactly(tab, 30)


async def test_a_turn_written_in_one_tab_appears_in_the_other(place: Place, alice: Visit, chat: Chat) -> None:
    await chat.ask("First")
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    answer = place.answer()
    await chat.say("Second")
    await expect(other.turns).to_have_count(2)
    answer.begin().text("Both see this")
    await other.shows("Both see this")
    answer.end()
    await other.settled()
    await expect(other.messages).to_have_count(4)


async def test_news_that_could_not_be_fetched_are_asked_for_again(alice: Visit, chat: Chat) -> None:
    await chat.ask("First")
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    await other.page.route("**/history/", lambda route: route.abort(), times=1)
    await chat.ask("Second")
    await expect(other.turns).to_have_count(2)
    await other.settled()


async def test_signing_out_elsewhere_leads_to_the_sign_in_page(
    place: Place, alice: Visit, chat: Chat
) -> None:
    await chat.ask("First")
    other = await alice.page("/accounts/logout/")
    await other.get_by_role("button", name="Sign out").click()
    await chat.page.wait_for_url("**/accounts/login/**")
    assert f"next=%2Fconversations%2F{chat.conversation}" in chat.page.url or "login" in chat.page.url


async def test_a_conversation_deleted_elsewhere_says_so_and_comes_back_with_the_undo(
    alice: Visit, chat: Chat
) -> None:
    await chat.ask("First")
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    await other.menu(other.page.get_by_label("More for this conversation"), "Delete")
    await expect(chat.bar).to_contain_text("was deleted")
    await expect(chat.page.locator("#send")).to_be_disabled()
    entry = chat.page.locator("#conversations .entry")
    await expect(entry).to_have_count(0)
    await other.page.get_by_role("button", name="Undo").click()
    await expect(entry).to_have_count(1)
    await expect(chat.bar).to_be_hidden()
    await chat.ask("Second")


async def test_what_was_asked_before_a_deletion_does_not_open_the_field_again(alice: Visit) -> None:
    path = alice.conversation(["Question", "Answer"])
    chat, other = await alice.chat(path), await alice.chat(path)
    asked, deleted = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        asked.set()
        await deleted.wait()
        await route.fulfill(response=response)

    await chat.page.route("**/history/", hold)
    await other.ask("Said elsewhere")
    await asked.wait()
    await other.menu(other.page.get_by_label("More for this conversation"), "Delete")
    await expect(chat.bar).to_contain_text("was deleted")
    async with chat.page.expect_response("**/history/") as response:
        deleted.set()
    await (await response.value).finished()
    await chat.page.evaluate("new Promise((done) => setTimeout(done))")
    await expect(chat.page.locator("#send")).to_be_disabled()


async def test_going_back_in_history_shows_the_conversation_as_it_is_now(place: Place, alice: Visit) -> None:
    path = alice.conversation(["Question", "Answer"])
    chat = await alice.chat(path)
    await chat.page.goto(place.url + "/account/")
    other = await alice.chat(path)
    await other.ask("A second question")
    await chat.page.go_back()
    await expect(chat.turns).to_have_count(2)
    await chat.shows("Hello from the fake upstream.")


async def _deaf(place: Place, alice: Visit, path: str) -> tuple[Chat, asyncio.Event]:
    """A tab whose socket hears nothing until the event is set."""
    hears = asyncio.Event()

    async def hold(socket: WebSocketRoute) -> None:
        await hears.wait()
        socket.connect_to_server()

    page = await alice.context.new_page()
    await page.route_web_socket("**/ws/**", hold)
    return await Chat(place, page).open(path), hears


async def test_what_happened_before_the_socket_opened_is_shown(place: Place, alice: Visit) -> None:
    path = alice.conversation(["Question", "Answer"], "Old title")
    chat, hears = await _deaf(place, alice, path)
    other = await alice.chat(path)
    await other.ask("Said elsewhere")
    await other.title.click()
    await other.page.get_by_role("textbox", name="Title").fill("New title")
    await other.page.keyboard.press("Enter")
    await expect(other.page.locator("#conversations .entry__title")).to_have_text("New title")
    await expect(chat.turns).to_have_count(1)
    hears.set()
    await expect(chat.turns).to_have_count(2)
    await chat.settled()
    await expect(chat.title).to_have_text("New title")


async def test_the_loser_of_a_race_keeps_its_words(place: Place, alice: Visit) -> None:
    path = alice.conversation(["Question", "Answer"])
    slow, hears = await _deaf(place, alice, path)
    fast = await alice.chat(path)
    answer = place.answer()
    await fast.say("I was first")
    answer.begin().text("To the first")
    await fast.shows("To the first")
    await slow.composer.fill("I was second")
    await slow.composer.press("Enter")
    await expect(slow.page.locator("#composer-state")).to_contain_text("still answering")
    await expect(slow.composer).to_have_value("I was second")
    await expect(slow.turns).to_have_count(1)
    hears.set()
    await slow.shows("To the first")
    answer.end()
    await slow.settled()
    await slow.composer.press("Enter")
    await expect(slow.turns).to_have_count(3)
    await slow.settled()
    assert len(place.asked()) == 2

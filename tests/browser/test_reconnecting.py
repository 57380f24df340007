"""An answer belongs to the server: reloads, second tabs and dead networks neither lose nor double a character."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from playwright.async_api import WebSocketRoute, expect

from .conftest import NewVisit
from .place import LiveAnswer, Place
from .texts import HARD, pieces, shown_and_expected
from .visit import Chat, Visit


@pytest_asyncio.fixture(loop_scope="session")
async def alice(visit: NewVisit) -> Visit:
    """In a browser of her own: Chromium slows down sockets where earlier ones have failed."""
    return await visit(fresh=True)


def _words(answer: LiveAnswer, first: int, last: int) -> None:
    for number in range(first, last):
        answer.text(f"w{number} ")


async def _has_exactly(chat: Chat, last: int) -> None:
    """The answer shows the words 0 … last - 1, each once."""
    await chat.shows(f"w{last - 1}")
    text = await chat.text_of(chat.answers.last)
    assert text.split() == [f"w{number}" for number in range(last)]


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


async def test_two_tabs_are_live_at_once_and_a_third_joins(place: Place, alice: Visit, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    _words(answer, 0, 10)
    await chat.shows("w9")
    second = await alice.chat(f"/conversations/{chat.conversation}/")
    await _has_exactly(second, 10)
    _words(answer, 10, 20)
    third = await alice.chat(f"/conversations/{chat.conversation}/")
    _words(answer, 20, 30)
    for tab in (chat, second, third):
        await _has_exactly(tab, 30)
    answer.end()
    for tab in (chat, second, third):
        await tab.settled()
        await _has_exactly(tab, 30)


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


async def test_a_cut_network_comes_back_and_the_answer_is_complete(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    _words(answer, 0, 20)
    await chat.shows("w19")
    for first in (20, 40, 60):
        place.cable.cut()
        _words(answer, first, first + 10)
        place.cable.mend()
        _words(answer, first + 10, first + 20)
        await _has_exactly(chat, first + 20)
    answer.end()
    await chat.settled()
    await _has_exactly(chat, 80)


async def test_an_answer_that_ends_while_the_network_is_cut(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    _words(answer, 0, 20)
    await chat.shows("w19")
    place.cable.cut()
    await expect(chat.bar).to_contain_text("interrupted")
    _words(answer, 20, 30)
    answer.end()
    assert place.asked()[-1].closed.wait(5)
    place.cable.mend()
    await chat.settled()
    await _has_exactly(chat, 30)
    await expect(chat.bar).to_be_hidden()


async def test_a_frozen_network_that_thaws(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    _words(answer, 0, 20)
    await chat.shows("w19")
    place.cable.freeze()
    _words(answer, 20, 400)
    await asyncio.sleep(0.2)  # the freeze itself, not a wait for something
    await _has_exactly(chat, 20)
    place.cable.mend()
    await _has_exactly(chat, 400)
    answer.end()
    await chat.settled()


async def test_offline_says_so_keeps_the_field_and_sends_when_back(place: Place, alice: Visit, chat: Chat) -> None:
    await chat.ask("First")
    await alice.context.set_offline(True)
    await expect(chat.bar).to_contain_text("You are offline")
    await chat.say("Written offline")
    await expect(chat.answers.last.locator(".waiting__text")).to_contain_text("when the connection is back")
    await expect(chat.composer).to_be_editable()
    # A reload would lose nothing either: the send waits in the browser's storage.
    assert len(place.asked()) == 1
    await alice.context.set_offline(False)
    await chat.settled()
    await expect(chat.bar).to_be_hidden()
    assert len(place.asked()) == 2
    await chat.page.reload()
    await expect(chat.turns).to_have_count(2)


async def test_a_send_survives_a_reload_before_its_acknowledgement(place: Place, chat: Chat) -> None:
    await chat.ask("First")
    place.cable.freeze()
    await chat.say("Not yet acknowledged")
    await chat.page.evaluate("() => localStorage.length")
    place.cable.cut()
    place.cable.mend()
    await chat.page.reload()
    await chat.settled()
    await expect(chat.turns).to_have_count(2)
    await expect(chat.turns.last).to_contain_text("Not yet acknowledged")
    await chat.page.reload()
    await expect(chat.turns).to_have_count(2)
    assert len(place.asked()) == 2


async def test_without_websockets_the_answer_comes_as_events(place: Place, alice: Visit) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close(code=1011, reason="blocked")

    await alice.context.route_web_socket("**/ws/**", refuse)
    answer = place.answer()
    page = await alice.context.new_page()
    chat = await Chat(place, page).open()
    async with page.expect_request("**/generations/*/events/**"):
        await chat.say("Go")
        answer.begin()
        _words(answer, 0, 20)
    await _has_exactly(chat, 20)
    _words(answer, 20, 40)
    await _has_exactly(chat, 40)
    answer.end()
    await chat.settled()
    await _has_exactly(chat, 40)
    second = place.answer()
    await chat.say("Stop me")
    second.begin().text("Running")
    await chat.shows("Running")
    await chat.stop.click()
    await chat.settled("stopped")


async def test_signing_out_elsewhere_leads_to_the_sign_in_page(place: Place, alice: Visit, chat: Chat) -> None:
    await chat.ask("First")
    other = await alice.page("/accounts/logout/")
    await other.get_by_role("button", name="Sign out").click()
    await chat.page.wait_for_url("**/accounts/login/**")
    assert f"next=%2Fconversations%2F{chat.conversation}" in chat.page.url or "login" in chat.page.url


async def test_a_conversation_deleted_elsewhere_says_so(place: Place, alice: Visit, chat: Chat) -> None:
    await chat.ask("First")
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    await other.menu(other.page.get_by_label("More for this conversation"), "Delete")
    await expect(chat.bar).to_contain_text("was deleted")
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

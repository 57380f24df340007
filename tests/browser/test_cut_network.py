"""The network fails in mid-answer or before a send: nothing is lost, nothing is doubled, the page says what is so."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from playwright.async_api import Route, WebSocketRoute, expect

from tests import patience

from .conftest import NewVisit
from .place import LiveAnswer, Place
from .visit import Chat, Visit
from .words import has_exactly, words


@pytest_asyncio.fixture(loop_scope="session")
async def alice(visit: NewVisit) -> Visit:
    """In a browser of her own: Chromium slows down sockets where earlier ones have failed."""
    return await visit(fresh=True)


async def begun(place: Place, chat: Chat) -> LiveAnswer:
    """An answer of which the page shows the words w0 to w19."""
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    words(answer, 0, 20)
    await chat.shows("w19")
    return answer


async def test_a_cut_network_comes_back_and_the_answer_is_complete(place: Place, chat: Chat) -> None:
    answer = await begun(place, chat)
    for first in (20, 40, 60):
        place.cable.cut()
        words(answer, first, first + 10)
        place.cable.mend()
        words(answer, first + 10, first + 20)
        await has_exactly(chat, first + 20)
    answer.end()
    await chat.settled()
    await has_exactly(chat, 80)


async def test_an_answer_that_ends_while_the_network_is_cut(place: Place, chat: Chat) -> None:
    answer = await begun(place, chat)
    place.cable.cut()
    await expect(chat.bar).to_contain_text("interrupted")
    words(answer, 20, 30)
    answer.end()
    assert place.asked()[-1].closed.wait(patience.SECONDS)
    place.cable.mend()
    await chat.settled()
    await has_exactly(chat, 30)
    await expect(chat.bar).to_be_hidden()


async def test_a_frozen_network_that_thaws(place: Place, chat: Chat) -> None:
    answer = await begun(place, chat)
    place.cable.freeze()
    words(answer, 20, 400)
    await asyncio.sleep(0.2)  # the freeze itself, not a wait for something
    await has_exactly(chat, 20)
    place.cable.mend()
    await has_exactly(chat, 400)
    answer.end()
    await chat.settled()


async def test_a_stop_that_a_dead_network_swallowed_is_asked_for_again(place: Place, chat: Chat) -> None:
    await begun(place, chat)
    place.cable.freeze()
    await chat.stop.click()
    place.cable.cut()
    place.cable.mend()
    await chat.settled("stopped")
    await has_exactly(chat, 20)


async def test_offline_says_so_keeps_the_field_and_sends_when_back(
    place: Place, alice: Visit, chat: Chat
) -> None:
    await chat.ask("First")
    await alice.context.set_offline(True)
    await expect(chat.bar).to_contain_text("You are offline")
    await chat.say("Written offline")
    await expect(chat.answers.last.locator(".waiting__text")).to_contain_text("when the connection is back")
    await expect(chat.composer).to_be_editable()
    # A reload would lose nothing either: the send waits in the browser's storage.
    assert len(place.asked()) == 1
    rendering, shown = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        rendering.set()
        await shown.wait()
        await route.continue_()

    await chat.page.route(lambda url: "/history/" in url, hold)
    await alice.context.set_offline(False)
    await place.until_asked(2)
    async with asyncio.timeout(patience.SECONDS):
        await rendering.wait()
    await expect(chat.turns.last).to_contain_text("Written offline")
    shown.set()
    await expect(chat.turns).to_have_count(2)
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


async def test_a_page_of_the_network_itself_does_not_count_as_the_servers_answer(
    place: Place, chat: Chat
) -> None:
    async def sign_in_to_the_wifi(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/html", body="<h1>Welcome</h1>")

    await chat.ask("First")
    await chat.page.route(lambda url: url.endswith("/messages/"), sign_in_to_the_wifi, times=1)
    await chat.ask("Second")
    await chat.shows("Hello from the fake upstream.")
    assert len(place.asked()) == 2


async def test_an_answer_drawn_into_a_repeated_send_ends_also_when_the_network_is_cut(
    place: Place, chat: Chat
) -> None:
    async def lose(route: Route) -> None:
        await route.abort()

    await chat.ask("First")
    answer = place.answer()
    await chat.page.route(lambda url: url.endswith("/messages/"), lose, times=1)
    await chat.page.route("**/history/", lose)
    await chat.say("Go")
    answer.begin().text("All of it")
    await chat.shows("All of it")
    place.cable.cut()
    answer.end()
    assert place.asked()[-1].closed.wait(patience.SECONDS)
    await chat.page.unroute("**/history/", lose)
    place.cable.mend()
    await chat.settled()
    await chat.shows("All of it")


async def test_after_a_sleep_a_socket_that_died_meanwhile_is_opened_anew(place: Place, alice: Visit) -> None:
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()
        if len(sockets) == 1:
            server.on_message(lambda _: None)

    path = alice.conversation(["Question", "Answer"])
    page = await alice.context.new_page()
    await page.clock.install()
    await page.route_web_socket("**/ws/**", connect)
    chat = await Chat(place, page).open(path)
    await chat.connected()
    place.answer().begin().text("From elsewhere").end()
    await (await alice.chat(path)).ask("Second")
    async with asyncio.timeout(patience.SECONDS):
        while len(sockets) < 2:
            await page.clock.fast_forward("10:00")
    await chat.shows("From elsewhere")


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
        words(answer, 0, 20)
    await has_exactly(chat, 20)
    words(answer, 20, 40)
    await has_exactly(chat, 40)
    answer.end()
    await chat.settled()
    await has_exactly(chat, 40)
    second = place.answer()
    await chat.say("Stop me")
    second.begin().text("Running")
    await chat.shows("Running")
    await chat.stop.click()
    await chat.settled("stopped")


async def test_where_no_websocket_comes_through_the_page_says_so_and_news_come_later(
    place: Place, alice: Visit
) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close(code=1011, reason="blocked")

    path = alice.conversation(["Question", "Answer"])
    page = await alice.context.new_page()
    await page.route_web_socket("**/ws/**", refuse)
    chat = await Chat(place, page).open(path)
    await expect(chat.bar).to_contain_text("no live connection")
    place.answer().begin().text("From elsewhere").end()
    await (await alice.chat(path)).ask("Second")
    await chat.shows("From elsewhere")
    elsewhere = alice.conversation(["Another matter", "Indeed"])
    await expect(page.locator(f'#conversations a[href="{elsewhere}"]')).to_be_visible()
    await expect(chat.bar).to_contain_text("no live connection")

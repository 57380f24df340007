"""From the key press to the formatted answer, and stopping it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Route, expect

from tests import patience

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit


async def test_an_answer_flows_in_and_is_formatted(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Write something **bold**")
    await expect(chat.turns.last.locator(".message__text")).to_have_text("Write something **bold**")
    await expect(chat.answers.last.locator(".waiting")).to_be_visible()
    answer.begin().text("This is **bo")
    await chat.shows(re.compile("This is [*]*bo"))
    await expect(chat.stop).to_be_visible()
    answer.text("ld** text.\n\n- one\n- two\n")
    answer.end()
    await chat.settled()
    await expect(chat.answers.last.locator("strong")).to_have_text("bold")
    await expect(chat.answers.last.locator("li")).to_have_text(["one", "two"])
    await expect(chat.stop).to_be_hidden()


async def test_the_first_message_makes_the_page_that_conversation(place: Place, chat: Chat) -> None:
    await chat.ask("Hello there")
    assert re.fullmatch(r"[0-9a-f-]{36}", chat.conversation)
    await expect(chat.page.locator("#conversations [aria-current=page]")).to_have_count(1)
    # The title of our own making arrives by itself.
    await expect(chat.title).to_have_text("A short title")
    await expect(chat.page.locator("#conversations .entry__title").first).to_have_text("A short title")
    await expect(chat.page).to_have_title(re.compile("A short title"))
    await chat.ask("And on")
    await expect(chat.messages).to_have_count(4)
    await chat.page.go_back()
    await expect(chat.page.locator("#greeting")).to_be_visible()


async def test_a_text_arrives_as_it_was_written(place: Place, chat: Chat) -> None:
    text = "  <b>&amp;</b> $x$\n\tindented 👩‍👩‍👧\n\n`code`"
    await chat.ask(text)
    assert place.asked()[-1].body["messages"][-1]["content"][-1]["text"].strip() == text.strip()
    shown = chat.turns.last.locator(".message__text")
    assert (await shown.evaluate("element => element.textContent")).strip() == text.strip()
    await chat.page.reload()
    assert (await shown.evaluate("element => element.textContent")).strip() == text.strip()


async def test_the_longest_prompt_goes_out_whatever_its_characters(place: Place, chat: Chat) -> None:
    # 12 bytes each in an urlencoded form, which is more than a form may have.
    await chat.ask("\N{GRINNING FACE}" * 200_000)
    assert place.asked()[-1].body["messages"][-1]["content"][-1]["text"].count("\N{GRINNING FACE}") == 200_000


async def test_stop_ends_the_answer_and_keeps_its_text(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Talk")
    answer.begin().text("As far as this")
    await chat.shows("As far as this")
    await chat.stop.click()
    await chat.settled("stopped")
    await chat.shows("As far as this")
    await expect(chat.notes).to_contain_text("Stopped.")
    assert place.asked()[-1].closed.wait(patience.SECONDS)
    assert place.asked()[-1].client_left
    await chat.page.reload()
    await chat.shows("As far as this")


async def test_a_button_stays_where_it_is_while_a_new_chat_becomes_a_conversation(
    place: Place, chat: Chat
) -> None:
    answered = asyncio.Event()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        await answered.wait()
        await route.fulfill(response=response)

    await chat.page.route("**/conversations/", hold)
    place.answer()
    await chat.say("Talk")
    await expect(chat.page.locator("#greeting")).to_be_hidden()
    before = await chat.stop.bounding_box()
    answered.set()
    await expect(chat.title).to_have_text("Talk")
    assert await chat.stop.bounding_box() == before, "who pressed it in this moment would have missed it"
    await chat.stop.click()
    await chat.settled("stopped")


async def test_stop_before_the_first_word(place: Place, chat: Chat) -> None:
    place.answer()
    await chat.say("Talk")
    await place.until_asked()
    await chat.stop.click()
    await chat.settled("stopped")
    await expect(chat.stop).to_be_hidden()
    # Where nothing has come, the next message goes on all the same.
    await chat.ask("Now then")
    await chat.shows("Hello from the fake upstream.")


async def test_stop_pressed_before_the_server_has_answered(place: Place, chat: Chat) -> None:
    place.cable.freeze()
    await chat.say("Talk")
    await chat.stop.click()
    place.answer()
    place.cable.mend()
    await chat.settled("stopped")
    await expect(chat.stop).to_be_hidden()


async def test_stop_works_from_another_tab(place: Place, alice: Visit, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Talk")
    answer.begin().text("Two tabs")
    await chat.shows("Two tabs")
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    await other.shows("Two tabs")
    await other.stop.click()
    await chat.settled("stopped")
    await other.settled("stopped")


async def test_a_double_enter_sends_once(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.composer.fill("Once")
    await chat.page.keyboard.press("Enter")
    await chat.page.keyboard.press("Enter")
    answer.begin().end()
    await chat.settled()
    await expect(chat.turns).to_have_count(1)
    assert len(place.asked()) == 1


async def test_while_an_answer_runs_the_text_waits_in_the_field(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("First")
    answer.begin().text("Still ")
    await chat.shows("Still")
    await chat.composer.fill("Second")
    await chat.composer.press("Enter")
    await expect(chat.page.get_by_role("status").filter(has_text="still running")).to_have_count(1)
    await expect(chat.composer).to_have_value("Second")
    answer.end()
    await chat.settled()
    await chat.composer.press("Enter")
    await expect(chat.turns).to_have_count(2)
    await chat.settled()


@pytest.mark.parametrize("text", ["x", "a" * 3000, "字" * 800, "line\n" * 200])
async def test_texts_of_every_shape_stay_inside_the_page(chat: Chat, text: str) -> None:
    await chat.ask(text)
    await expect(chat.turns.last).to_be_visible()
    assert await chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_shift_enter_makes_a_line(chat: Chat) -> None:
    await chat.composer.press_sequentially("one")
    await chat.composer.press("Shift+Enter")
    await chat.composer.press_sequentially("two")
    await expect(chat.composer).to_have_value("one\ntwo")
    await expect(chat.turns).to_have_count(0)


async def test_the_echo_tells_the_time_that_the_server_will_tell(place: Place, visit: NewVisit) -> None:
    """The zone of the account counts and the clock of the server, wherever the browser is and whatever it has."""
    person = {"time_zone": "Asia/Kathmandu"}
    chat = await (await visit(person=person, timezone_id="America/Lima")).chat()
    await chat.page.clock.set_system_time(datetime.now(UTC) - timedelta(hours=1))
    await chat.open()
    await chat.ask("What time is it?")
    echo = await chat.turns.last.locator(".foot__facts").inner_text()
    await chat.page.reload()
    stored = await chat.turns.last.locator("time").inner_text()
    minutes = [60 * int(time[:2]) + int(time[3:]) for time in (echo, stored)]
    assert (minutes[0] - minutes[1]) % (24 * 60) in (0, 1)


@pytest.mark.parametrize("composing", [{"isComposing": True}, {"keyCode": 229}])
async def test_enter_and_escape_of_an_input_method_send_and_stop_nothing(
    place: Place, visit: NewVisit, composing: dict[str, object]
) -> None:
    """Safari sends the last key press of a composition after its end, with nothing but its number to know it by."""
    person = await visit()
    chat = await person.chat(person.conversation(["Question", "Answer"], "Title"))
    press = """(field, [key, composing]) => field.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...composing }))"""
    answer = place.answer()
    await chat.say("Begin")
    answer.begin().text("Some text")
    await chat.shows("Some text")
    await chat.composer.fill("にほんご")
    for key in ("Enter", "Escape"):
        await chat.composer.evaluate(press, [key, composing])
    answer.end()
    await chat.settled()
    await chat.composer.evaluate(press, ["Enter", composing])
    await expect(chat.composer).to_have_value("にほんご")
    await chat.act(chat.turns.last, "edit")
    edit = chat.page.get_by_role("textbox", name="Edit the message")
    for key in ("Enter", "Escape"):
        await edit.evaluate(press, [key, composing])
    await expect(edit).to_be_visible()
    await chat.title.click()
    field = chat.page.get_by_role("textbox", name="Title")
    for key in ("Enter", "Escape"):
        await field.evaluate(press, [key, composing])
    await expect(field).to_be_visible()
    await expect(chat.turns).to_have_count(2)

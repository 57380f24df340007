"""Editing, asking again, and walking between the versions that come of it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit

JOINED = re.compile(r"\bmessage--joined\b")
COPIED = "async (text) => (await navigator.clipboard.readText()) === text"


async def test_an_edit_asks_again_and_keeps_the_old_version(place: Place, chat: Chat) -> None:
    await chat.ask("First wording")
    await chat.act(chat.turns.last, "edit")
    field = chat.page.get_by_role("textbox", name="Edit the message")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("First wording")
    await field.fill("Second wording")
    answer = place.answer()
    await chat.page.get_by_role("button", name="Send").first.click()
    answer.begin().text("To the second.").end()
    await chat.settled()
    await expect(chat.turns).to_have_count(1)
    await expect(chat.turns.last.locator(".message__text")).to_have_text("Second wording")
    await expect(chat.turns.last.locator(".branch__count")).to_have_text("2/2")
    await chat.act_branch(chat.turns.last, "Previous version")
    await expect(chat.turns.last.locator(".message__text")).to_have_text("First wording")
    await chat.shows("Hello from the fake upstream.")
    await expect(chat.page.get_by_role("button", name="Next version").first).to_be_focused()
    await chat.page.reload()
    await expect(chat.turns.last.locator(".branch__count")).to_have_text("1/2")


async def test_escape_leaves_an_edit_and_gives_the_focus_back(chat: Chat) -> None:
    await chat.ask("Some words")
    await chat.act(chat.turns.last, "edit")
    await expect(chat.page.locator(".edit__text")).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.locator(".edit")).to_have_count(0)
    await expect(chat.turns.last.locator("[data-act=edit]")).to_be_focused()
    await expect(chat.turns.last.locator(".message__text")).to_be_visible()


async def test_regenerate_makes_a_second_answer(place: Place, chat: Chat) -> None:
    await chat.ask("Again please")
    answer = place.answer()
    await chat.act(chat.answers.last, "regenerate")
    await expect(chat.answers).to_have_count(1)
    answer.begin().text("A second answer.").end()
    await chat.settled()
    await chat.shows("A second answer.")
    await expect(chat.answers.last.locator(".branch__count")).to_have_text("2/2")
    asked = [call.body["messages"] for call in place.asked()]
    assert asked[0] == asked[1]
    await chat.act_branch(chat.answers.last, "Previous version")
    await chat.shows("Hello from the fake upstream.")


async def test_on_a_touch_screen_no_keyboard_comes_up_over_the_answer(visit: NewVisit) -> None:
    bob = await visit(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    chat = await bob.chat(bob.conversation(["Question", "Answer"]))
    await chat.act(chat.answers.last, "regenerate")
    await expect(chat.page.locator("#transcript")).to_be_focused()
    await chat.settled()


async def test_what_is_sent_goes_under_the_branch_that_the_tab_shows(
    place: Place, alice: Visit, chat: Chat
) -> None:
    await chat.ask("Question")
    await chat.act(chat.answers.last, "regenerate")
    await expect(chat.answers.last.locator(".branch__count")).to_have_text("2/2")
    await chat.settled()
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    await chat.act_branch(chat.answers.last, "Previous version")
    await expect(chat.answers.last.locator(".branch__count")).to_have_text("1/2")
    await expect(other.answers.last.locator(".branch__count")).to_have_text("2/2")
    await other.ask("Under the second")
    await expect(other.answers.first.locator(".branch__count")).to_have_text("2/2")


async def test_a_running_answer_goes_on_when_its_branch_is_shown_again(place: Place, chat: Chat) -> None:
    await chat.ask("Question")
    await chat.act(chat.answers.last, "regenerate")
    await expect(chat.answers.last.locator(".branch__count")).to_have_text("2/2")
    answer = place.answer()
    await chat.say("Under the second")
    answer.begin().text("One, ")
    await chat.shows("One,")
    await chat.act_branch(chat.answers.first, "Previous version")
    await expect(chat.messages).to_have_count(2)
    await chat.act_branch(chat.answers.first, "Next version")
    await chat.shows("One,")
    answer.text("two, ")
    await chat.shows("One, two,")
    answer.text("three.").end()
    await chat.settled()
    await chat.shows("One, two, three.")
    await expect(chat.stop).to_be_hidden()


async def test_a_fork_is_a_conversation_of_its_own(chat: Chat) -> None:
    await chat.ask("First")
    first = chat.conversation
    await chat.ask("Second")
    await chat.answers.first.hover()
    await chat.menu(chat.answers.first.get_by_role("button", name="More"), "New conversation from here")
    await chat.page.wait_for_url(lambda url: first not in url)
    await expect(chat.turns).to_have_count(1)
    await chat.ask("Another way")
    await expect(chat.turns).to_have_count(2)


async def test_an_answer_that_reached_its_limit_continues_in_place(
    place: Place, alice: Visit, chat: Chat
) -> None:
    answer = place.answer()
    await chat.say("A long one")
    answer.begin().text("The first half, and").end("max_tokens")
    await chat.settled()
    await expect(chat.notes).to_contain_text("length limit")
    more = place.answer()
    await chat.notes.get_by_role("button", name="Continue").click()
    more.begin().text(" the second half.").end()
    await expect(chat.answers.last).to_have_class(JOINED)
    await chat.settled()
    await expect(chat.notes).to_have_count(0)
    texts = [await chat.text_of(article) for article in await chat.answers.all()]
    assert "".join(texts).split() == ["The", "first", "half,", "and", "the", "second", "half."]
    gap = await chat.page.evaluate(
        """() => {
            const [one, other] = document.querySelectorAll("#messages .message--assistant .message__blocks");
            return other.getBoundingClientRect().top - one.getBoundingClientRect().bottom;
        }"""
    )
    assert gap < 24, "It reads as two answers."
    await chat.answers.first.hover()
    await chat.answers.first.locator("[data-act=copy]").click(trial=True)
    await chat.page.reload()
    await expect(chat.turns).to_have_count(1)
    await expect(chat.answers).to_have_count(2)
    await alice.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=place.url)
    await chat.act(chat.answers.last, "copy")
    await chat.until(COPIED, "The first half, and the second half.")
    await chat.page.evaluate("navigator.clipboard.writeText('')")
    await chat.answers.last.hover()
    await chat.menu(chat.answers.last.get_by_role("button", name="More"), "Copy as plain text")
    await chat.until(COPIED, "The first half, and the second half.")
    await chat.ask("And then?")


@pytest.mark.parametrize(
    ("stop_reason", "words", "button"),
    [
        ("refusal", "declined", "Edit message"),
        ("pause_turn", "paused", "Continue"),
        ("model_context_window_exceeded", "as long as this model can read", "New conversation"),
        ("stop_sequence", "stop sequence", None),
        ("from_the_future", "from_the_future", None),
    ],
)
async def test_every_other_end_has_its_sentence(
    place: Place, chat: Chat, stop_reason: str, words: str, button: str | None
) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin().text("Some text.").end(stop_reason)
    await chat.settled()
    await expect(chat.notes).to_contain_text(words)
    if button:
        await expect(chat.notes.locator(".button", has_text=button)).to_be_visible()
    await chat.ask("Go on")

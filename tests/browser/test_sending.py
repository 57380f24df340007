"""From the key press to the formatted answer, and stopping it."""

from __future__ import annotations

from playwright.async_api import expect

from .place import Place
from .visit import Chat


async def test_an_answer_flows_in_and_is_formatted(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Write something **bold**")
    await expect(chat.turns.last.locator(".message__text")).to_have_text("Write something **bold**")
    await expect(chat.answers.last.locator(".waiting")).to_be_visible()
    answer.begin().text("This is **bo")
    await chat.shows("This is **bo")
    await expect(chat.stop).to_be_visible()
    answer.text("ld** text.\n\n- one\n- two\n")
    answer.end()
    await chat.settled()
    await expect(chat.answers.last.locator("strong")).to_have_text("bold")
    await expect(chat.answers.last.locator("li")).to_have_text(["one", "two"])
    await expect(chat.stop).to_be_hidden()

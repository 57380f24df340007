"""The server dies or restarts in mid-answer: the text stays, the page comes back, one press goes on."""

from __future__ import annotations

import re
import signal

import pytest_asyncio
from playwright.async_api import expect

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit

JOINED = re.compile(r"\bmessage--joined\b")


@pytest_asyncio.fixture(loop_scope="session")
async def alice(visit: NewVisit) -> Visit:
    """In a browser of her own: Chromium slows down sockets where earlier ones have failed."""
    return await visit(fresh=True)


async def test_after_a_crash_the_answer_reads_as_interrupted_and_continues(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin().text("Half of a sen")
    await chat.shows("Half of a sen")
    await chat.until(
        """async () => {
            const { messages } = await (await fetch(location.pathname + "messages/")).json();
            return messages.at(-1).content.some((block) => block.text?.includes("Half of a sen"));
        }"""
    )
    place.kill()
    place.site.start()
    await chat.settled("interrupted")
    await chat.shows("Half of a sen")
    await expect(chat.notes).to_contain_text("Everything up to here is saved")
    await expect(chat.bar).to_be_hidden()
    more = place.answer()
    await chat.notes.get_by_role("button", name="Continue").click()
    more.begin().text("tence.").end()
    await chat.settled()
    await expect(chat.notes).to_have_count(0)
    shown = [(await chat.text_of(article)).strip() for article in await chat.answers.all()]
    assert shown == ["Half of a sen", "tence."]
    await expect(chat.answers.nth(1)).to_have_class(JOINED)
    await chat.page.reload()
    assert [(await chat.text_of(article)).strip() for article in await chat.answers.all()] == shown
    await expect(chat.notes.filter(visible=True)).to_have_count(0)
    await expect(chat.turns).to_have_count(1)


async def test_a_deploy_drains_and_the_page_reconnects(place: Place, chat: Chat) -> None:
    await chat.ask("First")
    place.site.end(signal.SIGTERM)
    await expect(chat.bar).to_contain_text("What has arrived is kept")
    await chat.composer.fill("Written meanwhile")
    place.site.start()
    await expect(chat.bar).to_be_hidden()
    await expect(chat.composer).to_have_value("Written meanwhile")
    await chat.composer.press("Enter")
    await expect(chat.turns).to_have_count(2)
    await chat.settled()


async def test_a_message_sent_while_the_server_is_down_goes_out_once(place: Place, chat: Chat) -> None:
    await chat.ask("First")
    place.site.end(signal.SIGTERM)
    await chat.say("While down")
    await expect(chat.answers.last.locator(".waiting__text")).to_contain_text("cannot be reached")
    place.site.start()
    await expect(chat.answers.last).to_have_attribute("data-status", "completed")
    await chat.page.reload()
    await expect(chat.turns).to_have_count(2)
    assert len(place.asked()) == 2

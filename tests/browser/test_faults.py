"""What goes wrong at the provider, as the page says it, and the way out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.fake_upstream.faults import fault

from .conftest import NewVisit
from .place import Place
from .visit import Chat


async def test_a_rate_limit_counts_down_and_then_answers(place: Place, chat: Chat) -> None:
    place.upstream.script(*fault(9, "3"))
    second = place.answer()
    # The page's clock stands still, so that its three seconds last however long it takes to draw them; and it is wrong.
    await chat.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=1))
    await chat.open()
    await chat.say("Go")
    counting = re.compile(r"Trying again in \d{1,2} s")
    await expect(chat.answers.last.locator(".waiting__text")).to_contain_text(counting)
    await expect(chat.stop).to_be_visible()
    second.begin().text("Here it is.").end()
    await chat.settled()
    await chat.shows("Here it is.")
    assert len(place.asked()) == 2


async def test_a_countdown_can_be_cancelled(place: Place, chat: Chat) -> None:
    place.upstream.script(*fault(9, "50"))
    await chat.say("Go")
    await expect(chat.answers.last.locator(".waiting__text")).to_contain_text("Trying again in")
    await chat.stop.click()
    await chat.settled("stopped")
    assert len(place.asked()) == 1


async def test_a_refused_key_is_told_to_members_and_administrators_differently(
    place: Place, visit: NewVisit
) -> None:
    member = await (await visit()).chat()
    place.upstream.script(*fault(6))
    await member.say("Go")
    await member.settled("failed")
    await expect(member.notes).to_contain_text("Tell your administrator")
    await expect(member.notes).not_to_contain_text("401")
    administrator = await (await visit(person={"is_staff": True, "is_superuser": True})).chat()
    place.upstream.script(*fault(6))
    await administrator.say("Go")
    await administrator.settled("failed")
    await expect(administrator.notes).to_contain_text("401")
    await expect(administrator.notes).not_to_contain_text("your administrator")
    assert "sk-canary" not in await administrator.page.content()


async def test_try_again_after_a_failure(place: Place, chat: Chat) -> None:
    place.upstream.script(*fault(6))
    await chat.say("Go")
    await chat.settled("failed")
    await chat.notes.get_by_role("button", name="Try again").click()
    await chat.settled()
    await chat.shows("Hello from the fake upstream.")
    await chat.page.reload()
    await chat.shows("Hello from the fake upstream.")


@pytest.mark.parametrize(
    ("row", "variant", "status", "words"),
    [
        (5, "", "failed", "refused this request"),
        (7, "", "failed", "no longer available"),
        (8, "", "failed", "too large"),
        (10, "", "failed", "reached until"),
        (11, "", "failed", "spending limit"),
        (14, "", "failed", "unexpected answer"),
        (19, "", "interrupted", "busy"),
        (20, "", "interrupted", "Press Continue"),
        (21, "", "interrupted", "Press Continue"),
        (23, "", "interrupted", "garbled"),
        (31, "", "completed", "returned nothing"),
    ],
)
async def test_every_fault_has_its_sentence_and_keeps_what_came(
    place: Place, chat: Chat, row: int, variant: str, status: str, words: str
) -> None:
    place.upstream.script(*fault(row, variant))
    await chat.say("Go")
    await chat.settled(status)
    await expect(chat.notes).to_contain_text(words, ignore_case=True)
    if status == "interrupted":
        await chat.shows("Some text")
    # The conversation goes on all the same.
    await chat.ask("Go on")
    await chat.shows("Hello from the fake upstream.")


async def test_a_conversation_goes_on_without_a_message_that_is_refused(place: Place, chat: Chat) -> None:
    await chat.ask("Hello")
    for text in ("An endless text", "hi"):
        place.upstream.script(*fault(5))
        await chat.say(text)
        await chat.settled("failed")
    left_out = chat.page.locator(".message__left-out")
    await expect(left_out).to_have_count(0)
    await chat.notes.last.get_by_role("button", name="Go on without the earlier unanswered messages").click()
    await chat.settled()
    await expect(chat.turns.nth(1)).to_contain_text("An endless text")
    await expect(chat.turns.nth(1).locator(".message__left-out")).to_have_text("Left out of requests")
    await expect(left_out).to_have_count(1)
    await expect(chat.messages).to_have_count(6)
    assert "An endless text" not in str(place.asked()[-1].body)

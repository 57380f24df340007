"""axe finds nothing: every page, every open state, light and dark, on a telephone and on a desk."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.fake_upstream import wire
from tests.fake_upstream.faults import fault

from .axe import audit, violations
from .conftest import NewVisit
from .place import Place
from .texts import HARD
from .visit import Chat, Visit

ADMINISTRATOR = {"is_staff": True, "is_superuser": True, "display_name": "Carol"}


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/", "/accounts/signup/"])
async def test_pages_before_signing_in(visit: NewVisit, path: str) -> None:
    await audit(await (await visit(signed_in=False)).page(path))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/account/",
        "/accounts/password/change/",
        "/accounts/logout/",
        "/nothing/",
        "/setup/used-up/",
        "/usage/",
        "/accounts/2fa/",
        "/accounts/2fa/webauthn/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/sessions/",
        "/accounts/reauthenticate/",
    ],
)
async def test_pages_of_a_member(alice: Visit, path: str) -> None:
    await audit(await alice.page(path))


async def test_a_wrong_sign_in(visit: NewVisit) -> None:
    page = await (await visit(signed_in=False)).page("/accounts/login/")
    await page.get_by_label("User name or e-mail").fill("nobody")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_text("not correct")).to_be_visible()
    await audit(page)


async def test_a_conversation_with_everything_in_it(alice: Visit) -> None:
    code = "```python\n" + "\n".join(f"line_{number} = {number}" for number in range(60)) + "\n```"
    chat = await alice.chat(
        alice.conversation(["# not a heading\n" * 30, HARD, "And code?", code], "Everything")
    )
    await audit(chat.page)


async def test_while_an_answer_runs(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    await audit(chat.page)
    answer.raw(wire.message_start() + wire.block_start(0, type="thinking", thinking="", signature=""))
    answer.raw(wire.delta(0, type="thinking_delta", thinking="Considering.") + wire.block_stop(0))
    answer.raw(wire.block_start(1, type="tool_use", id="toolu_1", name="get_weather", input={}))
    answer.raw(wire.delta(1, type="input_json_delta", partial_json="{}") + wire.block_stop(1))
    answer.raw(wire.block_start(2)).text("Some text\n\n```python\nx = ", 2)
    await chat.shows("x = ")
    await audit(chat.page)
    answer.end(index=2)
    await chat.settled()
    await chat.answers.last.locator("summary").first.click()
    await chat.answers.last.locator("summary").last.click()
    await audit(chat.page)


async def test_notes_and_versions(place: Place, chat: Chat) -> None:
    place.upstream.script(*fault(20))
    await chat.say("Go")
    await chat.settled("interrupted")
    await chat.act(chat.answers.last, "regenerate")
    await expect(chat.answers.last.locator(".branch__count")).to_have_text("2/2")
    await chat.settled()
    place.upstream.script(*fault(6))
    await chat.say("Again")
    await chat.settled("failed")
    await audit(chat.page)


@pytest.mark.parametrize(
    "state", ["menu", "message menu", "account menu", "settings", "people", "search", "help", "edit"]
)
async def test_what_opens(alice: Visit, state: str) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer with `code`"], "Open things"))
    page = chat.page
    if state == "menu":
        await page.get_by_label("More for this conversation").click()
    elif state == "message menu":
        await chat.answers.last.get_by_role("button", name="More").click()
    elif state == "account menu":
        await page.locator("[data-menu=account-menu]").click()
    elif state == "settings":
        await page.get_by_role("button", name="Settings for this conversation").click()
        await expect(page.locator("#settings")).to_be_visible()
        await page.locator("#settings summary").click()
    elif state == "people":
        await page.get_by_role("button", name="Share").click()
        await expect(page.locator("#people")).to_be_visible()
    elif state == "search":
        await page.keyboard.press("Control+k")
        await expect(page.locator("#command-list [role=option]").first).to_be_visible()
    elif state == "help":
        await page.locator("#transcript").focus()
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    else:
        await chat.act(chat.turns.last, "edit")
        await expect(page.locator(".edit__text")).to_be_visible()
    await audit(page)


async def test_the_sidebar_over_the_page(visit: NewVisit) -> None:
    phone = await visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    chat = await phone.chat(phone.conversation(["Question", "Answer"], "On a phone"))
    await chat.page.get_by_role("button", name="Show the sidebar").tap()
    assert [(one["id"], one["nodes"][0]["html"]) for one in await violations(chat.page)] == []


async def test_bars_and_toasts(place: Place, visit: NewVisit) -> None:
    alice = await visit(fresh=True)
    alice.conversation(["Question", "Answer"], "To be deleted")
    chat = await alice.chat()
    entry = chat.page.locator("#conversations .entry")
    await entry.hover()
    await chat.menu(entry.locator(".entry__more"), "Delete")
    await expect(chat.page.get_by_role("button", name="Undo")).to_be_visible()
    await alice.context.set_offline(True)
    await expect(chat.bar).to_be_visible()
    await audit(chat.page)


async def test_pages_of_an_administrator(visit: NewVisit) -> None:
    carol = await visit(person=ADMINISTRATOR)
    home = await carol.page("/")
    await home.locator("[data-menu=account-menu]").click()
    links = await home.locator("#account-menu a").evaluate_all(
        "all => all.map((one) => one.getAttribute('href'))"
    )
    pages = {link for link in links if link.startswith("/") and not link.startswith("/admin/")}
    lefts = set()
    for path in pages | {"/budgets/", "/budgets/new/", "/people/1/remove/"}:
        await home.goto(carol.place.url + path)
        await audit(home)
        lefts |= set(await home.locator(".sections").evaluate_all("all => all.map((one) => one.offsetLeft)"))
    assert len(lefts) == 1, "the list of sections moves from page to page"


async def test_a_refused_key(place: Place, visit: NewVisit) -> None:
    carol = await visit(person=ADMINISTRATOR)
    chat = await carol.chat()
    place.upstream.script(*fault(6))
    await chat.say("Go")
    await chat.settled("failed")
    said = chat.page.locator("#warnings").get_by_text("was refused at the last call")
    await expect(said).to_be_visible()
    await audit(chat.page)
    provider = await carol.page(str(await said.get_by_role("link").get_attribute("href")))
    await expect(provider.get_by_text("was refused at the last call")).to_be_visible()
    await audit(provider)
    await chat.act(chat.answers.last, "regenerate")
    await chat.settled()
    await expect(said).to_have_count(0)

"""The pages before the chat: signing in and out, the first administrator, errors, work without scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.prepared import data_folder
from tests.running_site import RunningSite

from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit


@pytest.fixture
def dora(place: Place) -> str:
    """A member with a password; her user name."""
    name = place.new_name()
    place.clerk.person(name, password="dora-password-1")
    return name


async def test_sign_in_leads_to_the_page_that_was_asked_for(place: Place, visit: NewVisit, dora: str) -> None:
    page = await (await visit(signed_in=False)).page("/account/")
    await expect(page).to_have_title(re.compile("Sign in"))
    await page.get_by_label("User name or e-mail").fill(dora)
    await page.get_by_label("Password").fill("dora-password-1")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url(place.url + "/account/")
    await expect(page.get_by_text(f"You sign in as {dora}")).to_be_visible()


async def test_a_wrong_password_is_told_where_it_was_typed(visit: NewVisit, dora: str) -> None:
    page = await (await visit(signed_in=False)).page("/accounts/login/")
    await page.get_by_label("User name or e-mail").fill(dora)
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.locator(".errorlist, .field__error, [role=alert]").first).to_contain_text("not correct")
    await expect(page.get_by_label("User name or e-mail")).to_have_value(dora)
    await expect(page.get_by_label("Password")).to_have_value("")
    await expect(page.get_by_label("Password")).to_be_focused()


async def test_a_passkey_is_added_and_signs_in_alone(place: Place, visit: NewVisit, dora: str) -> None:
    page = await (await visit(signed_in=False)).page("/accounts/2fa/")
    authenticator = await page.context.new_cdp_session(page)
    await authenticator.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
    }
    await authenticator.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    await page.get_by_label("User name or e-mail").fill(dora)
    await page.get_by_label("Password").fill("dora-password-1")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("link", name="Add a passkey").click()
    await page.get_by_label("Password").fill("dora-password-1")
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_label("Name").fill("My phone")
    await page.get_by_role("button", name="Add the passkey").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await page.goto(place.url + "/accounts/2fa/webauthn/")
    await expect(page.locator(".devices")).to_contain_text("My phone Signs in without the password")
    await page.context.clear_cookies()
    await page.goto(place.url + "/account/")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text(f"You sign in as {dora}")).to_be_visible()
    # The same passkey as a second step, after the password.
    await page.context.clear_cookies()
    await page.goto(place.url + "/accounts/login/")
    await page.get_by_label("User name or e-mail").fill(dora)
    await page.get_by_label("Password").fill("dora-password-1")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.locator("#composer-text")).to_be_visible()
    await authenticator.detach()


async def test_sign_out_ends_the_session(place: Place, alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Private words"], "Private"))
    await chat.menu(chat.page.locator("[data-menu=account-menu]"), "Sign out")
    await chat.page.wait_for_url("**/accounts/login/**")
    await chat.page.go_back()
    await chat.page.wait_for_url("**/accounts/login/**")
    await expect(chat.page.get_by_text("Private words")).to_have_count(0)


async def test_the_first_administrator_of_a_fresh_site(tmp_path: Path, visit: NewVisit) -> None:
    guest = await visit(signed_in=False, fresh=True)
    with RunningSite(data_folder(tmp_path / "fresh"), CHATSITE_DRAIN_SECONDS="1") as site:
        guest.record.origin = site.url
        page = await guest.context.new_page()
        await page.goto(site.setup_link)
        await page.get_by_label("User name").fill("first")
        await page.get_by_label(re.compile("^E-?mail", re.IGNORECASE)).fill("first@example.com")
        passwords = page.locator("input[type=password]")
        for number in range(await passwords.count()):
            await passwords.nth(number).fill("a-good-password-9")
        await page.get_by_role("button", name="Create the administrator").click()
        await page.wait_for_url(site.url + "/")
        await expect(page.locator("#greeting")).to_contain_text("Welcome, first")
        await expect(page.get_by_text("The demo model is answering, not Claude.")).to_be_visible()
        # The demo answers at once, without a key.
        await page.locator("#composer-text").fill("Hello")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message--assistant").last).to_have_attribute("data-status", "completed")
        await page.goto(site.setup_link)
        await expect(page.get_by_role("heading", level=1)).to_contain_text("no longer works")


async def test_missing_and_foreign_pages_answer_alike(alice: Visit, visit: NewVisit) -> None:
    path = alice.conversation(["Question", "Private words"], "Private")
    bob = await visit()
    for address in (path, "/conversations/00000000-0000-4000-8000-000000000000/", "/nothing/"):
        page = await bob.page(address)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
        await page.get_by_role("link", name="Go to the start page").click()
        await expect(page.locator("#composer-text")).to_be_visible()


async def test_without_scripts_a_message_is_sent_by_form(place: Place, visit: NewVisit) -> None:
    page = await (await visit(java_script_enabled=False)).page("/")
    await page.locator("#composer-text").fill("Without scripts")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("**/conversations/*/")
    await expect(page.locator(".message--user")).to_contain_text("Without scripts")
    for _ in range(50):
        if await page.get_by_text("Hello from the fake upstream.").count():
            break
        await page.get_by_role("link", name="Reload").click()
    await expect(page.locator(".message--assistant")).to_contain_text("Hello from the fake upstream.")
    await page.locator("#composer-text").fill("Once more")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".message--user")).to_have_count(2)


async def test_a_reader_sees_and_follows_but_cannot_write(
    place: Place, alice: Visit, visit: NewVisit
) -> None:
    path = alice.conversation(["Question", "Answer"], "Shared")
    bob = await visit()
    place.clerk.share(path.split("/")[2], bob.name, "reader")
    reader = await bob.chat(path)
    await expect(reader.messages).to_have_count(2)
    await expect(reader.page.locator("#send")).to_be_disabled()
    await expect(reader.page.locator("[data-act=regenerate]")).to_have_count(0)
    writer = await alice.chat(path)
    answer = place.answer()
    await writer.say("Look, Bob")
    await expect(reader.turns.last).to_contain_text("Look, Bob")
    answer.begin().text("Both of you see this")
    await reader.shows("Both of you see this")
    answer.end()
    await reader.settled()
    assert isinstance(reader, Chat)

"""What is done to a conversation as a whole: rename, archive, delete and undo, settings, drafts, search."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Route, expect

from tests import patience

from .axe import audit
from .conftest import NewVisit
from .place import Place
from .visit import Chat, Visit


async def test_rename_in_place(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "Old name"))
    await chat.title.click()
    field = chat.page.get_by_role("textbox", name="Title")
    await expect(field).to_be_focused()
    await field.fill("New <b>name</b>")
    await field.press("Enter")
    await expect(chat.title).to_have_text("New <b>name</b>")
    await expect(chat.title).to_be_focused()
    await expect(chat.page.locator("#conversations .entry__title").first).to_have_text("New <b>name</b>")
    await chat.page.reload()
    await expect(chat.title).to_have_text("New <b>name</b>")
    await chat.title.click()
    await field.fill("Never kept")
    await field.press("Escape")
    await expect(chat.title).to_have_text("New <b>name</b>")


async def test_a_rename_reaches_other_tabs(alice: Visit) -> None:
    path = alice.conversation(["Question", "Answer"], "Old name")
    chat, other = await alice.chat(path), await alice.chat(path)
    await chat.title.click()
    await chat.page.get_by_role("textbox", name="Title").fill("New name")
    await chat.page.keyboard.press("Enter")
    await expect(other.title).to_have_text("New name")
    await expect(other.page.locator("#conversations .entry__title").first).to_have_text("New name")


async def test_delete_and_undo(alice: Visit) -> None:
    path = alice.conversation(["Question", "Answer"], "To be deleted")
    chat = await alice.chat(path)
    await chat.menu(chat.page.get_by_label("More for this conversation"), "Delete")
    await chat.page.wait_for_url(re.compile(r"/$"))
    await expect(chat.page.get_by_text("The conversation was deleted.")).to_be_visible()
    await expect(chat.page.locator("#conversations .entry")).to_have_count(0)
    # On a phone as well the offer leaves alone what is written meanwhile.
    await chat.page.set_viewport_size({"width": 360, "height": 740})
    await chat.composer.fill("line\n" * 30)
    field, undo = await chat.composer.bounding_box(), await chat.page.locator(".toast").bounding_box()
    assert field is not None and undo is not None and undo["y"] + undo["height"] <= field["y"]
    await chat.page.get_by_role("button", name="Undo").click()
    await chat.page.wait_for_url(re.compile(path))
    await chat.shows("Answer")


async def test_older_conversations_are_one_press_away(alice: Visit) -> None:
    for number in range(102):
        alice.conversation(["Question", "Answer"], f"number {number}")
    chat = await alice.chat()
    entries = chat.page.locator("#conversations .entry")
    await expect(entries).to_have_count(100)
    older = chat.page.get_by_role("button", name="Show older")
    await older.press("Enter")
    await expect(entries).to_have_count(102)
    await expect(older).to_have_count(0)
    # Whoever goes by keyboard goes on with the first of those that came.
    await expect(entries.nth(100).locator("a")).to_be_focused()
    # What changes later leaves them there.
    await chat.menu(entries.nth(0).locator(".entry__more"), "Archive")
    await expect(entries).to_have_count(101)


async def test_archive_from_the_sidebar_and_back(alice: Visit) -> None:
    alice.conversation(["Question", "Answer"], "To the archive")
    chat = await alice.chat()
    entry = chat.page.locator("#conversations .entry")
    await entry.hover()
    await chat.menu(entry.locator(".entry__more"), "Archive")
    await expect(entry).to_have_count(0)
    await chat.menu(chat.page.locator("[data-menu=account-menu]"), "Archived conversations")
    await expect(entry).to_have_count(1)
    await expect(entry).to_contain_text("To the archive")
    await chat.page.keyboard.press("Control+k")
    await chat.page.get_by_role("combobox", name="Search conversations").fill("archive")
    found = chat.page.get_by_role("option", name="To the archive")
    await expect(found).to_contain_text("archived")
    await chat.page.keyboard.press("Escape")
    await entry.hover()
    await chat.menu(entry.locator(".entry__more"), "Take out of the archive")
    await expect(entry).to_have_count(0)
    await chat.page.locator("#conversations").get_by_role("button", name="Back").click()
    await expect(entry).to_have_count(1)
    await expect(entry).not_to_have_attribute("data-archived", "")


async def test_settings_stay_open_when_a_new_chat_becomes_a_conversation(place: Place, chat: Chat) -> None:
    opened = asyncio.Event()

    async def hold(route: Route) -> None:
        await opened.wait()
        await route.continue_()

    await chat.page.route(re.compile(r"/conversations/[0-9a-f-]{36}/$"), hold)
    await chat.ask("First")
    await chat.page.get_by_role("button", name="Settings", exact=False).first.click()
    panel = chat.page.locator("#settings")
    await expect(panel).to_be_visible()
    await panel.get_by_label("System prompt").fill("Answer in Dutch.")
    opened.set()
    await expect(chat.page.locator("#header")).to_contain_text("Share")
    await expect(panel).to_be_visible()
    await expect(panel.get_by_label("System prompt")).to_have_value("Answer in Dutch.")
    await expect(panel.get_by_role("status")).to_contain_text("Saved")
    await chat.page.reload()
    await expect(panel.get_by_label("System prompt")).to_have_value("Answer in Dutch.")


async def test_settings_change_the_next_request(place: Place, alice: Visit, chat: Chat) -> None:
    await chat.ask("First")
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    await chat.page.get_by_role("button", name="Settings for this conversation").click()
    panel = chat.page.locator("#settings")
    await expect(panel).to_be_visible()
    await panel.get_by_label("System prompt").fill("Answer in Dutch.")
    await panel.get_by_label("Longest answer, in tokens").fill("777")
    await panel.get_by_label("Longest answer, in tokens").blur()
    await expect(panel.get_by_role("status")).to_contain_text("Saved")
    await chat.ask("Second")
    before, after = (call.body for call in place.asked())
    assert after["max_tokens"] == 777 != before["max_tokens"]
    assert "Answer in Dutch." in str(after["system"])
    await chat.page.reload()
    await chat.page.get_by_role("button", name="Settings for this conversation").click()
    await expect(panel.get_by_label("System prompt")).to_have_value("Answer in Dutch.")
    # What a page that was open before does not show is not taken back by what is chosen there.
    async with other.page.expect_response("**/settings/"):
        await other.page.get_by_label("Model").first.select_option(index=2)
    await panel.get_by_label("Longest answer, in tokens").fill("")
    async with chat.page.expect_response("**/settings/"):
        await panel.get_by_label("Longest answer, in tokens").blur()
    await chat.ask("Third")
    last = place.asked()[-1].body
    assert "Answer in Dutch." in str(last["system"])
    assert last["model"] == "claude-haiku-5-5" and last["max_tokens"] != 777


async def test_settings_before_the_first_message_go_with_it(place: Place, chat: Chat) -> None:
    await chat.page.get_by_role("button", name="Settings for this conversation").click()
    panel = chat.page.locator("#settings")
    await panel.get_by_label("System prompt").fill("From the start.")
    await panel.get_by_label("Model", exact=True).select_option(index=1)
    await chat.ask("First")
    assert "From the start." in str(place.asked()[0].body["system"])
    assert place.asked()[0].body["model"] == "claude-opus-5-5"


async def test_the_model_of_the_composer_is_the_next_answers(place: Place, chat: Chat) -> None:
    await chat.ask("First")
    saved = chat.page.expect_response("**/settings/")
    async with saved:
        await chat.page.get_by_label("Model").first.select_option(index=2)
    await chat.ask("Second")
    assert [call.body["model"] for call in place.asked()] == ["claude-sonnet-5-5", "claude-haiku-5-5"]


async def test_a_model_that_cannot_be_chosen_is_not_shown_as_chosen(chat: Chat) -> None:
    await chat.ask("First")
    picker, state = chat.page.locator("#composer-model"), chat.page.locator("#composer-state")
    header = chat.page.locator("#header-model")
    chosen, name = await picker.input_value(), await header.text_content()
    assert name
    await chat.page.route("**/settings/", lambda route: route.abort())
    await picker.select_option(index=2)
    await expect(state).to_have_text("The server cannot be reached. Nothing was changed.")
    await expect(picker).to_have_value(chosen)
    await expect(header).to_have_text(name)
    await chat.page.unroute_all()
    await picker.select_option(index=2)
    other = await picker.locator("option").nth(2).text_content()
    assert other and other != name
    await expect(header).to_have_text(other)
    await expect(state).to_be_empty()


async def test_a_limit_that_is_used_up_is_said_after_the_answer_and_refuses_the_next(
    place: Place, alice: Visit
) -> None:
    place.clerk.budget(alice.name, 1)
    chat = await alice.chat()
    warnings = chat.page.get_by_role("status").locator("#warnings")
    await expect(warnings).to_be_empty()
    await chat.ask("First")
    await expect(warnings).to_have_text("Your spending limit for today is reached.")
    await chat.composer.fill("Second")
    await chat.composer.press("Enter")
    await expect(chat.page.locator("#composer-state")).to_contain_text("It resets on")
    await expect(chat.composer).to_have_value("Second")


async def test_a_draft_is_kept_per_conversation_and_over_reloads(alice: Visit) -> None:
    one = alice.conversation(["Question", "Answer"], "One")
    two = alice.conversation(["Question", "Answer"], "Two")
    chat = await alice.chat(one)
    await chat.composer.fill("For one")
    await chat.open(two)
    await expect(chat.composer).to_have_value("")
    await chat.composer.fill("For two")
    await chat.open("/")
    await expect(chat.composer).to_have_value("")
    await chat.open(one)
    await expect(chat.composer).to_have_value("For one")
    await chat.page.reload()
    await expect(chat.composer).to_have_value("For one")
    await chat.ask("For one")
    await chat.page.reload()
    await expect(chat.composer).to_have_value("")


async def test_each_new_tab_has_a_draft_of_its_own_and_a_closed_one_hands_it_on(alice: Visit) -> None:
    one, two = await alice.chat(), await alice.chat()
    await one.composer.fill("For one")
    await two.page.reload()
    await expect(two.composer).to_have_value("")
    await two.composer.fill("For two")
    for chat, text in ((one, "For one"), (two, "For two")):
        await chat.page.reload()
        await expect(chat.composer).to_have_value(text)
    await one.page.close()
    three = await alice.chat()
    await expect(three.composer).to_have_value("For one")
    await three.ask("For one")
    await three.open("/")
    await expect(three.composer).to_have_value("")
    await expect(two.composer).to_have_value("For two")


async def test_what_was_typed_before_the_scripts_came_is_added_to_the_draft(alice: Visit) -> None:
    chat = await alice.chat()
    await chat.composer.fill("Long thought")
    come = asyncio.Event()

    async def hold(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await chat.page.route("**/js/main*.js", hold)
    await chat.page.reload(wait_until="commit")
    await chat.composer.press_sequentially("quick")
    come.set()
    await expect(chat.composer).to_have_value("Long thought\n\nquick")
    await chat.page.reload()
    await expect(chat.composer).to_have_value("Long thought\n\nquick")


async def test_an_invitation_is_copied_with_one_press(visit: NewVisit) -> None:
    carol = await visit(person={"is_staff": True, "is_superuser": True})
    page = await carol.page("/people/invitations/")
    await page.get_by_role("button", name="Create a link").click()
    link = page.get_by_label("Invitation link")
    # Shown by the script that also listens to the field.
    await expect(page.get_by_role("button", name="Copy", exact=True)).to_be_visible()
    await link.focus()
    selected = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert await link.evaluate(selected) == await link.input_value()
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    await audit(page)


async def test_signing_out_takes_the_drafts_along(alice: Visit) -> None:
    chat = await alice.chat()
    await chat.composer.fill("A secret draft")
    await chat.menu(chat.page.locator("[data-menu=account-menu]"), "Sign out")
    await chat.page.wait_for_url("**/accounts/login/**")
    assert "secret" not in await chat.page.evaluate("JSON.stringify(localStorage)")


async def test_search_finds_a_conversation_by_keyboard(alice: Visit) -> None:
    alice.conversation(["Question", "Answer"], "Grant budget")
    alice.conversation(["Question", "Answer"], "Letter to the harbour office")

    async def never(route: Route) -> None:
        pass

    # Keys are heard from the page's load on, whatever else is still on its way.
    await alice.context.route("**/js/models/new-draft*.js", never)
    chat = await alice.chat()
    await chat.page.keyboard.press("Control+k")
    field = chat.page.get_by_role("combobox", name="Search conversations and commands")
    await expect(field).to_be_focused()
    await field.press_sequentially("harb")
    options = chat.page.locator("#command-list [role=option]")
    await expect(options).to_have_count(1)
    await expect(options.first).to_have_attribute("aria-selected", "true")
    pressed = asyncio.Event()

    async def late(route: Route) -> None:
        await pressed.wait()
        await route.continue_()

    # Enter before anything is found is not for what is still shown.
    await chat.page.route("**/conversations/?*q=budget", late)
    await field.fill("budget")
    await field.press("Enter")
    pressed.set()
    await expect(chat.title).to_have_text("Grant budget")
    await chat.page.wait_for_load_state()
    asked, changed = asyncio.Event(), asyncio.Event()

    async def too_late(route: Route) -> None:
        asked.set()
        await changed.wait()
        await route.continue_()

    # Nor is it for what was found for earlier words, and comes when the next ones are written but not yet asked for.
    await chat.page.route("**/conversations/?*q=grant", too_late)
    await chat.page.clock.install()
    await chat.page.keyboard.press("Control+k")
    await field.fill("grant")
    async with asyncio.timeout(patience.SECONDS):
        await asked.wait()
    await chat.page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    await field.fill("harb")
    changed.set()
    await expect(options).to_have_text(["Grant budget"])
    await field.press("Enter")
    await expect(chat.title).to_have_text("Letter to the harbour office")
    await chat.page.clock.resume()
    await chat.page.wait_for_load_state()
    await chat.page.keyboard.press("Control+k")
    await field.fill("zzz")
    await expect(chat.page.get_by_text("Nothing found")).to_be_visible()
    await alice.context.set_offline(True)
    await chat.page.keyboard.type("!")
    await expect(chat.page.get_by_text("Nothing found")).to_be_hidden()
    await expect(chat.page.locator("#command")).to_contain_text("The server cannot be reached.")
    await chat.page.keyboard.press("Escape")
    await expect(field).to_be_hidden()


async def test_an_answer_in_another_conversation_marks_it_in_the_sidebar(place: Place, alice: Visit) -> None:
    chat = await alice.chat()
    answer = place.answer()
    await chat.say("Long one")
    answer.begin().text("Working")
    await chat.shows("Working")
    other = await alice.chat(alice.conversation(["Question", "Answer"], "Elsewhere"))
    await chat.page.close()
    entry = other.page.locator(".entry", has_text="Long one")
    await expect(entry).to_have_class(re.compile("entry--running"))
    running = other.page.get_by_role("link", name=re.compile("answering"))
    await expect(running).to_have_count(1)
    answer.end()
    await expect(other.page.locator(".entry--unread")).to_have_count(1)
    await expect(other.page.locator(".entry--running")).to_have_count(0)
    await expect(other.page.get_by_role("link", name=re.compile("unread"))).to_have_count(1)
    await expect(running).to_have_count(0)


async def test_export_gives_the_conversation_as_a_file(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["What?", "**That.**"], "To take away"))
    await chat.page.get_by_label("More for this conversation").click()
    async with chat.page.expect_download() as download:
        await chat.page.get_by_role("menuitem", name="Export as Markdown").click()
    path = await (await download.value).path()
    assert "**That.**" in path.read_text()

"""Narrow screens, themes, motion: nothing falls off the page, everything stays within reach."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests import patience

from .conftest import NewVisit
from .place import Place
from .texts import HARD
from .visit import Chat, Visit

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
FIGURES = (
    "| " + " | ".join(f"Quarter {number}" for number in range(9)) + " |\n|---" + "|--:" * 8 + "|\n"
    "| North and South Holland" + " | 1,234,567.50" * 8 + " |\n\n$$" + "x + " * 40 + "y$$"
)
WIDE_THINGS = (
    "| " + " | ".join(f"Column {number}" for number in range(12)) + " |\n" + "|---" * 12 + "|\n"
    "| " + " | ".join(f"value {number}" for number in range(12)) + " |\n\n"
    "```text\n"
    + "a very long line " * 30
    + "\n```\n\n"
    + "Wort" * 80
    + "\n\n$$"
    + "x + " * 60
    + "y$$\n\n"
    + HARD
)


async def _fits(page: Page) -> None:
    wider = await page.evaluate(
        """() => [...document.querySelectorAll("body, body *")].filter((one) => {
            if (one.closest("svg, math") && !one.matches("svg, math")) return false;
            const box = one.getBoundingClientRect();
            if (!box.width || !box.height || box.right <= innerWidth + 1 && box.left >= -1) return false;
            for (let up = one.parentElement; up; up = up.parentElement) {
                const style = getComputedStyle(up);
                if (/auto|scroll|hidden|clip/.test(style.overflowX) && !up.matches("html, body"))
                    return up.getBoundingClientRect().right > innerWidth + 1;
            }
            return getComputedStyle(one).position !== "fixed" && !one.closest(".sidebar, [hidden]");
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert wider == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_phone_shows_everything_without_sideways_scrolling(visit: NewVisit) -> None:
    phone = await visit(**PHONE)
    title = "A title that is much longer than any telephone is wide, and then some more"
    chat = await phone.chat(phone.conversation([HARD, WIDE_THINGS], title))
    await _fits(chat.page)
    for path in ("/", "/account/", "/nothing/"):
        await chat.open(path)
        await _fits(chat.page)


async def test_on_a_phone_everything_is_within_reach(visit: NewVisit) -> None:
    phone = await visit(**PHONE)
    chat = await phone.chat(phone.conversation(["Question", "Answer"], "On a phone"))
    await chat.page.get_by_role("button", name="Show the sidebar").tap()
    sidebar = chat.page.locator("#sidebar")
    await expect(sidebar.get_by_role("link", name="New conversation")).to_be_in_viewport()
    await expect(sidebar.locator(".entry")).to_be_in_viewport()
    heights = await sidebar.evaluate(
        """(sidebar) => [...sidebar.querySelectorAll("a, button")].filter((one) => one.checkVisibility())
            .map((one) => one.getBoundingClientRect().height)"""
    )
    assert min(heights) >= 40, "a finger needs that much"
    await chat.page.locator("#scrim").tap(position={"x": 340, "y": 400})
    await expect(sidebar.locator(".entry")).not_to_be_in_viewport()
    await chat.page.get_by_label("More for this conversation").tap()
    menu = chat.page.locator("#conversation-menu")
    for item in await menu.get_by_role("menuitem").all():
        await expect(item).to_be_in_viewport()
    await chat.page.keyboard.press("Escape")
    await chat.page.get_by_role("button", name="Settings for this conversation").tap()
    await expect(chat.page.locator("#settings")).to_be_in_viewport()
    letters = await chat.page.evaluate(
        """() => [...document.querySelectorAll(
            ".panel :is(input:not([type=checkbox]), select, textarea), .composer :is(select, textarea)"
        )].map((one) => parseFloat(getComputedStyle(one).fontSize))"""
    )
    assert min(letters) >= 16, "iOS would make the page larger around the field"
    await chat.page.keyboard.press("Shift+Tab")
    await chat.page.keyboard.press("Shift+Tab")
    assert not await chat.page.evaluate("document.activeElement.closest('#main, .skip-link') !== null")
    await chat.page.locator("#scrim").tap(position={"x": 10, "y": 400})
    await expect(chat.page.locator("#settings")).to_be_hidden()
    await expect(chat.page.get_by_role("button", name="Settings for this conversation")).to_be_focused()
    await chat.page.get_by_role("button", name="Settings for this conversation").tap()
    await chat.page.keyboard.press("Control+b")
    await expect(sidebar.locator(".entry")).to_be_in_viewport()
    await expect(chat.page.locator("#settings")).to_be_hidden()
    await chat.page.keyboard.press("Escape")
    await expect(sidebar.locator(".entry")).not_to_be_in_viewport()
    await chat.page.get_by_role("button", name="Settings for this conversation").tap()
    await chat.page.get_by_role("button", name="Close the settings").tap()
    await chat.title.tap()
    await expect(chat.page.locator("#header input")).to_be_focused()
    overlapped = await chat.page.locator("#header").evaluate(
        """(header) => {
            const edges = [...header.querySelectorAll("button, input")].filter((one) => one.checkVisibility());
            return edges.slice(1).filter((one, at) => one.getBoundingClientRect().left
                < edges[at].getBoundingClientRect().right).map((one) => one.outerHTML);
        }"""
    )
    assert overlapped == []
    await chat.page.keyboard.press("Escape")
    await chat.page.locator("#transcript").evaluate("one => one.scrollTo(0, 0)")
    small = await chat.page.evaluate(
        """() => [...document.querySelectorAll("button, a.button, select, summary, .entry__link")].filter((one) => {
            const box = one.getBoundingClientRect();
            if (!one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || !box.width) return false;
            if (box.bottom < 0 || box.right < 0) return false;
            return box.width < 40 || box.height < 40;
        }).map((one) => `${one.getAttribute("aria-label") ?? one.textContent.trim()} `
            + `${one.getBoundingClientRect().width}x${one.getBoundingClientRect().height}`)"""
    )
    assert small == []
    await chat.composer.tap()
    await chat.composer.fill("From a phone")
    await chat.page.get_by_role("button", name="Send").tap()
    await expect(chat.turns).to_have_count(2)
    await chat.settled()


async def test_the_theme_is_remembered_for_the_person(alice: Visit) -> None:
    chat = await alice.chat()
    html = chat.page.locator("html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = await chat.page.evaluate(background)
    await chat.page.locator("[data-menu=account-menu]").click()
    async with chat.page.expect_response("**/account/"):
        await chat.page.get_by_role("menuitemradio", name="Dark").click()
    await expect(html).to_have_attribute("data-theme", "dark")
    assert await chat.page.evaluate(background) != light
    await chat.page.reload()
    await expect(html).to_have_attribute("data-theme", "dark")
    account = await alice.page("/account/")
    await expect(account.get_by_label("Dark")).to_be_checked()


async def test_the_system_theme_follows_the_system(alice: Visit) -> None:
    chat = await alice.chat()
    background = "getComputedStyle(document.body).backgroundColor"
    light = await chat.page.evaluate(background)
    await chat.page.emulate_media(color_scheme="dark")
    assert await chat.page.evaluate(background) != light


async def test_reduced_motion_means_none(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Go")
    longest = await chat.page.evaluate(
        """() => Math.max(0, ...document.getAnimations().map((one) => one.effect.getComputedTiming().endTime))"""
    )
    assert longest <= 20
    answer.begin().end()
    await chat.settled()


async def test_the_sidebar_stays_closed_over_a_reload(alice: Visit) -> None:
    chat = await alice.chat()
    await chat.page.get_by_role("button", name="Hide the sidebar").click()
    await expect(chat.page.locator("#sidebar")).to_be_hidden()
    await expect(chat.page.get_by_role("button", name="Show the sidebar")).to_be_focused()
    await chat.page.reload()
    await expect(chat.page.locator("#sidebar")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768, 1440])
async def test_the_field_grows_to_a_part_of_the_height_and_then_scrolls(alice: Visit, width: int) -> None:
    chat = await alice.chat()
    await chat.page.set_viewport_size({"width": width, "height": 800})
    await chat.composer.fill("line\n" * 100)
    box = await chat.composer.bounding_box()
    assert box is not None and box["height"] <= 0.4 * 800 + 2
    await expect(chat.page.get_by_role("button", name="Send")).to_be_in_viewport()
    await _fits(chat.page)


@pytest.mark.parametrize("width", [280, 320, 360, 640])
async def test_nothing_in_the_composer_lies_on_anything_else(alice: Visit, width: int) -> None:
    """320 px are also what a wide screen has left at 400 %."""
    chat = await alice.chat()
    await chat.page.set_viewport_size({"width": width, "height": 568})
    boxes = [await chat.page.locator(one).bounding_box() for one in ("#attach", "#composer-model", "#send")]
    edges = [edge for box in boxes if box is not None for edge in (box["x"], box["x"] + box["width"])]
    assert len(edges) == 6 and edges == sorted(edges)
    await _fits(chat.page)


async def test_with_both_sides_open_the_header_keeps_to_its_own_column(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "Coast photographs of 1998"))
    await chat.page.set_viewport_size({"width": 1024, "height": 768})
    await chat.page.get_by_role("button", name="Settings for this conversation").click()
    panel = chat.page.locator("#settings")
    await expect(panel).to_be_visible()
    settings = await panel.bounding_box()
    title, more = (
        await chat.title.bounding_box(),
        await chat.page.locator("#header [data-menu]").bounding_box(),
    )
    assert settings is not None and title is not None and more is not None
    assert title["width"] > 100
    assert more["x"] + more["width"] <= settings["x"]
    await _fits(chat.page)


async def test_right_to_left_text_runs_right_to_left(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["שלום עולם", "مرحبا **بالعالم**\n\nand English"], "שלום"))
    prose = chat.answers.last.locator("p")
    edge = """(one) => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return range.getBoundingClientRect().right;
    }"""
    arabic, english = [await prose.nth(number).evaluate(edge) for number in (0, 1)]
    assert arabic > english + 100
    await expect(chat.page).to_have_title(re.compile("שלום"))


async def test_a_long_right_to_left_title_keeps_clear_of_what_stands_beside_it(alice: Visit) -> None:
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "שלום עולם " * 14))
    title, model = await chat.title.bounding_box(), await chat.page.locator("#header-model").bounding_box()
    assert title is not None and model is not None
    assert title["x"] + title["width"] <= model["x"]
    entry = chat.page.locator("#conversations .entry").first
    await entry.hover()
    name = await entry.locator(".entry__title").bounding_box()
    more = await entry.locator(".entry__more").bounding_box()
    assert name is not None and more is not None
    assert name["x"] + name["width"] <= more["x"]


async def test_marks_of_right_to_left_lists_and_the_line_of_quotations_are_on_the_right(alice: Visit) -> None:
    source = "- שלום\n\n> עולם\n\n| מספר | שם |\n|---|---|\n| 12 | דן |"
    chat = await alice.chat(alice.conversation(["A question", source], "Marks"))
    prose = chat.answers.last
    style = "(one, name) => parseFloat(getComputedStyle(one)[name])"
    assert await prose.locator("ul").evaluate(style, "paddingRight") > 10
    assert await prose.locator("blockquote").evaluate(style, "borderRightWidth") > 1
    number, name = [await prose.locator("td").nth(at).bounding_box() for at in (0, 1)]
    assert number is not None and name is not None and number["x"] > name["x"]
    assert await prose.locator("td").first.evaluate("one => getComputedStyle(one).textAlign") == "right"


async def test_on_paper_stands_the_whole_conversation_dark_on_light(visit: NewVisit) -> None:
    dora = await visit(person={"display_name": "Dora", "theme": "dark"})
    code = "```text\n" + "\n".join(f"line {number} " + "wide " * 40 for number in range(60)) + "\n```"
    question = "\n".join(f"Question {number}" for number in range(60))
    page = (await dora.chat(dora.conversation([question, WIDE_THINGS, "And?", code], "On paper"))).page
    await expect(page.locator(".code--folded")).to_have_count(1)
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": 720, "height": 1000})
    for gone in ("#sidebar", "#composer", "#bars", ".foot__actions", ".code__copy", ".header .icon-button"):
        for one in await page.locator(gone).all():
            await expect(one).to_be_hidden()
    await expect(page.locator("#title")).to_be_visible()
    await expect(page.locator("#earlier")).to_be_hidden()
    cut = await page.evaluate(
        """() => [...document.querySelectorAll("#main, #main *:not(svg, svg *, math *)")].filter((one) => {
            if (one.matches(".truncate, .math, math") || !one.checkVisibility()) return false;
            if (getComputedStyle(one).overflow === "visible") return false;
            return one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1;
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert cut == []
    await _fits(page)
    colours = await page.evaluate(
        "(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(document.body))"
    )
    assert colours == ["oklch(0.24 0.014 60)", "oklch(0.985 0.004 85)"]


async def test_on_paper_a_sentence_stands_for_the_messages_that_are_not_there(alice: Visit) -> None:
    path = alice.conversation([f"Message {number}" for number in range(40)], "On paper")
    await alice.context.route(re.compile("/history/"), lambda route: route.abort())
    page = await alice.page(path)
    await page.emulate_media(media="print")
    earlier = page.locator("#earlier")
    await expect(earlier).to_be_visible()
    said = await earlier.evaluate(
        "one => [getComputedStyle(one).fontSize, getComputedStyle(one, '::after').content]"
    )
    assert said == ["0px", '"Earlier messages are not on this paper; an export has all of them."']


async def test_on_paper_numbers_stay_whole_and_a_wide_formula_is_on_the_page(alice: Visit) -> None:
    path = alice.conversation(["Figures?", FIGURES], "On paper")
    page = await alice.context.new_page()
    await page.clock.install()
    await page.goto(alice.place.url + path)
    # The script comes when the page has been quiet for a while.
    async with page.expect_response("**/js/paper.*.js"):
        await page.clock.fast_forward(20_000)
    async with asyncio.timeout(patience.SECONDS):
        while not await page.locator("math[style]").count():
            await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await page.emulate_media(media="print")
    # A4 between margins of 15 mm.
    await page.set_viewport_size({"width": 680, "height": 960})
    assert await page.locator("td.align-right").evaluate_all(
        """(cells) => cells.every((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getClientRects().length === 1;
        })"""
    )
    await _fits(page)
    assert await page.locator("math *").last.evaluate("one => one.getBoundingClientRect().right") <= 680
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    await expect(page.locator("math[style]")).to_have_count(0)


async def test_with_forced_colours_it_shows_what_is_chosen_and_that_something_runs(
    place: Place, visit: NewVisit
) -> None:
    chat = await (await visit(forced_colors="active")).chat()
    drawn = """(one, pseudo) => getComputedStyle(one, pseudo).backgroundColor !==
        getComputedStyle(document.body).backgroundColor"""
    answer = place.answer()
    await chat.say("Hello")
    assert await chat.page.locator("#messages .waiting__pulse").evaluate(drawn)
    assert (
        await chat.page.locator(".composer__form").evaluate("one => getComputedStyle(one).outlineStyle")
        == "solid"
    )
    answer.begin().text("Some text")
    await chat.shows("Some text")
    assert await chat.page.locator(".caret").evaluate(drawn, "::after")
    answer.end()
    await chat.settled()
    assert await chat.page.locator(".gauge__meter").evaluate(drawn)
    await chat.page.keyboard.press("Control+K")
    await expect(chat.page.locator(".command__option[aria-selected=true]")).to_have_css(
        "outline-style", "solid"
    )


async def test_a_menu_that_is_higher_than_the_screen_scrolls(visit: NewVisit) -> None:
    carol = await visit(
        person={"is_staff": True, "is_superuser": True}, viewport={"width": 640, "height": 256}
    )
    chat = await carol.chat()
    await chat.page.get_by_role("button", name="Show the sidebar").click()
    await chat.page.locator(".sidebar__account").click()
    await expect(chat.page.locator("#account-menu")).to_be_in_viewport(ratio=1)
    last = chat.page.get_by_role("menuitem", name="Sign out")
    await last.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport(ratio=1)


async def test_on_a_phone_the_details_of_the_audit_are_lines_of_words(visit: NewVisit) -> None:
    carol = await visit(person={"is_staff": True, "is_superuser": True}, **PHONE)
    page = await carol.page("/workspace/")
    await page.get_by_label("System prompt").fill("Be brief.")
    await page.get_by_role("button", name="Save").click()
    await page.goto(carol.place.url + "/audit/")
    cell = page.locator("td:has(> .audit__detail)").first
    box = await cell.bounding_box()
    assert box is not None and box["width"] >= 200
    await _fits(page)


@pytest.mark.parametrize(("width", "height"), [(360, 400), (320, 256)])
async def test_on_a_low_screen_starting_points_leave_room_for_the_field(
    place: Place, alice: Visit, width: int, height: int
) -> None:
    starters = [
        "Summarise the attached paper so that a colleague can read it",
        *(f"Start {n}" for n in range(3)),
    ]
    place.clerk.workspace(starters=starters)
    chat = await alice.chat()
    await chat.page.set_viewport_size({"width": width, "height": height})
    for one in ("#composer-text", "#attach", "#send"):
        await expect(chat.page.locator(one)).to_be_in_viewport(ratio=1)
    last = chat.page.get_by_role("button", name="Start 2")
    await last.focus()
    await expect(last).to_be_in_viewport(ratio=0.9)
    await last.click()
    await expect(chat.composer).to_have_value("Start 2")
    # It would take the place of what has been written.
    await expect(last).to_be_hidden()
    await chat.composer.fill("")
    await expect(last).to_be_visible()
    place.clerk.workspace(starters=[])

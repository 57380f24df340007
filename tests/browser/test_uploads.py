"""Files on their way in: picked, pasted, dragged, shown, sent, and looked at."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import CDPSession, FilePayload, Locator, Route, expect

from tests.fake_upstream import wire

from .axe import audit, violations
from .place import Place
from .visit import WIDE, Chat, Visit

# Hands a page a file the way the clipboard or a drag does.
TRANSFER = """([name, type, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], name, { type }));
    return transfer;
}"""
NOTES: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"The pier is 61 m long."}
HEIC: FilePayload = {
    "name": "beach.heic",
    "mimeType": "image/heic",
    "buffer": b"\0\0\0\x18ftypheic" + bytes(60),
}


def picture(
    name: str, colour: str = "teal", size: tuple[int, int] = (320, 200), **options: Any
) -> FilePayload:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG", **options)
    return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}


def large(folder: Path, name: str) -> Path:
    """Some 17 MB that are read quickly: more than the sockets between browser and site hold. A path: the browser reads
    the file by itself.
    """
    path = folder / name
    path.write_bytes(picture(name, size=(2400, 2400), compress_level=0)["buffer"])
    return path


def pdf(pages: int) -> FilePayload:
    out = io.BytesIO()
    first, *others = (Image.new("RGB", (300, 400), "white") for _ in range(pages))
    first.save(out, "PDF", save_all=True, append_images=others)
    return {"name": "gauge.pdf", "mimeType": "application/pdf", "buffer": out.getvalue()}


async def attach(chat: Chat, *files: FilePayload) -> None:
    await chat.page.locator("#attach-files").set_input_files(files)


def rows(chat: Chat) -> Locator:
    return chat.page.locator(".upload")


async def attached(chat: Chat, *files: FilePayload) -> None:
    """Attaches and waits until the server has them all."""
    before = await rows(chat).count()
    await attach(chat, *files)
    await expect(chat.page.locator(".upload[data-state=done]")).to_have_count(before + len(files))


async def slow_uploads(chat: Chat) -> CDPSession:
    """What the page sends leaves at 400 KB a second, until the session is detached."""
    session = await chat.page.context.new_cdp_session(chat.page)
    await session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    await session.send("Network.emulateNetworkConditions", conditions)
    return session


async def drop(chat: Chat, path: Path) -> None:
    """A file or a folder of this machine is dropped on the page."""
    session = await chat.page.context.new_cdp_session(chat.page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, "x": 700, "y": 300, "data": data})
    await session.detach()


async def send(chat: Chat) -> None:
    await chat.composer.press("Enter")
    await expect(chat.turns).not_to_have_count(0)
    await chat.settled()


def sent(place: Place) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = place.asked()[-1].body["messages"][-1]["content"]
    return content


def pixels(block: dict[str, Any]) -> tuple[int, int]:
    return Image.open(io.BytesIO(base64.b64decode(block["source"]["data"]))).size


async def test_two_pictures_are_compared_in_one_question(place: Place, chat: Chat) -> None:
    await attached(chat, picture("north.png", "red"), picture("south.png", "blue", (200, 300)))
    await expect(rows(chat).nth(0)).to_contain_text("Image 1")
    await expect(rows(chat).nth(1)).to_contain_text(re.compile("Image 2.*≈.*tokens"))
    await chat.ask("Which is larger?")
    assert [block["type"] for block in sent(place)] == ["image", "image", "text"]
    assert [pixels(block) for block in sent(place)[:2]] == [(320, 200), (200, 300)]
    await expect(rows(chat)).to_have_count(0)
    shown = chat.turns.last.locator("img")
    echo = [await shown.nth(at).evaluate("img => img.outerHTML") for at in (0, 1)]
    await chat.page.reload()
    await expect(shown).to_have_count(2)
    for at, name in ((0, "north.png"), (1, "south.png")):
        await expect(shown.nth(at)).to_have_attribute("alt", name)
        await expect(shown.nth(at)).to_have_js_property("complete", True)
        for attribute in ("width", "height", "src"):
            value = await shown.nth(at).get_attribute(attribute)
            assert f'{attribute}="{value}"' in echo[at]


async def test_a_picture_holds_its_place_before_it_is_there(chat: Chat) -> None:
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await attached(chat, picture("wide.png", size=(900, 600)))
    await send(chat)
    await chat.page.route("**/thumbnail/", hold)
    await chat.page.reload(wait_until="commit")
    shown = chat.turns.last.locator("img")
    before = await shown.bounding_box()
    held.set()
    await expect(shown).to_have_js_property("complete", True)
    after = await shown.bounding_box()
    assert before is not None and after is not None
    assert (before["width"], before["height"]) == (after["width"], after["height"]) == (360, 240)


async def test_a_pdf_is_asked_about(place: Place, chat: Chat) -> None:
    await attached(chat, pdf(3))
    await expect(rows(chat)).to_contain_text("3 pages")
    await chat.ask("What does the gauge say?")
    assert [block["type"] for block in sent(place)] == ["document", "text"]
    assert base64.b64decode(sent(place)[0]["source"]["data"]).startswith(b"%PDF-")
    card = chat.turns.last.locator(".attachment--document")
    await expect(card).to_contain_text(re.compile("gauge.pdf.*3 pages", re.DOTALL))
    async with chat.page.expect_download() as download:
        await card.click()
    assert (await download.value).suggested_filename == "gauge.pdf"


async def test_the_button_opens_a_picker_for_several_files(chat: Chat) -> None:
    async with chat.page.expect_file_chooser() as chooser:
        await chat.page.get_by_role("button", name="Attach").click()
    found = await chooser.value
    assert found.is_multiple()
    await found.set_files([picture("a.png"), NOTES])
    await expect(chat.page.locator(".upload[data-state=done]")).to_have_count(2)


async def test_a_pasted_picture_is_attached_and_pasted_text_is_not(chat: Chat) -> None:
    file = picture("image.png")
    paste = """([transfer, text]) => {
        if (text) { transfer.setData("text/plain", text); transfer.setData("text/html", `<b>${text}</b>`); }
        const event = new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
        document.activeElement.dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    data = [file["name"], file["mimeType"], base64.b64encode(file["buffer"]).decode()]
    await chat.composer.focus()
    words = await chat.page.evaluate_handle(TRANSFER, data)
    assert await chat.page.evaluate(paste, [words, "words from an office program"]) is False
    alone = await chat.page.evaluate_handle(TRANSFER, data)
    assert await chat.page.evaluate(paste, [alone, ""]) is True
    await expect(chat.page.locator(".upload[data-state=done]")).to_have_count(1)


async def test_a_file_may_be_dropped_anywhere(chat: Chat, tmp_path: Path) -> None:
    data = [NOTES["name"], NOTES["mimeType"], base64.b64encode(NOTES["buffer"]).decode()]
    drag = await chat.page.evaluate_handle(TRANSFER, data)
    sheet = chat.page.locator("#drop")
    await chat.page.dispatch_event("#sidebar", "dragenter", {"dataTransfer": drag})
    await expect(sheet).to_be_visible()
    await chat.page.dispatch_event("#sidebar", "dragleave", {"dataTransfer": drag})
    await expect(sheet).to_be_hidden()
    await chat.page.dispatch_event("#transcript", "dragover", {"dataTransfer": drag})
    await chat.page.dispatch_event("#transcript", "drop", {"dataTransfer": drag})
    await expect(sheet).to_be_hidden()
    await expect(rows(chat)).to_contain_text("notes.txt")
    await drop(chat, tmp_path)
    await expect(chat.page.get_by_role("alert")).to_have_text(
        "A folder cannot be attached, the files in it can."
    )
    await expect(rows(chat)).to_have_count(1)


async def test_a_send_waits_for_its_uploads_and_says_so(place: Place, chat: Chat) -> None:
    await attached(chat, picture("small.png"))
    network = await slow_uploads(chat)
    await attach(chat, picture("large.png", size=(1200, 1200), compress_level=0))
    bar = rows(chat).last.locator("progress")
    await expect(bar).to_be_visible()
    await expect(bar).not_to_have_js_property("value", 0)
    assert 0 < await bar.evaluate("bar => bar.value") < 1
    await chat.composer.fill("Here they are")
    await chat.composer.press("Enter")
    await expect(chat.page.locator("#composer-state")).to_have_text("Sends when the file is uploaded.")
    await expect(chat.turns).to_have_count(0)
    await network.detach()
    await expect(chat.turns).to_have_count(1)
    await chat.settled()
    assert [block["type"] for block in sent(place)] == ["image", "image", "text"]
    await expect(chat.page.locator("#composer-state")).to_have_text("")


@pytest.mark.parametrize(("width", "height"), [(360, 400), (740, 360), (320, 256)])
async def test_on_a_low_screen_many_files_and_a_long_text_leave_the_buttons_on_it(
    alice: Visit, width: int, height: int
) -> None:
    """A telephone with its keyboard, the same on its side, and what a desk has left at 400 %."""
    chat = await alice.chat(alice.conversation(["Question", "Answer"], "Low"))
    await attached(chat, *(picture(f"{number}.png") for number in range(5)))
    await chat.composer.fill("A long text. " * 80)
    await alice.context.set_offline(True)
    await expect(chat.bar).to_be_visible()
    await chat.page.set_viewport_size({"width": width, "height": height})
    for button in ("#attach", "#send"):
        await expect(chat.page.locator(button)).to_be_in_viewport(ratio=1)
    await expect(chat.page.locator("#composer-model")).to_be_in_viewport(ratio=1)


async def test_writing_on_takes_a_waiting_send_back(place: Place, chat: Chat) -> None:
    await attached(chat, picture("small.png"))
    place.cable.freeze()
    await attach(chat, picture("other.png"))
    await chat.composer.fill("Here they")
    await chat.composer.press("Enter")
    await chat.composer.press_sequentially(" are")
    await expect(chat.page.locator("#composer-state")).to_contain_text("Not sent yet")
    place.cable.mend()
    await expect(chat.page.locator(".upload[data-state=done]")).to_have_count(2)
    await expect(chat.turns).to_have_count(0)
    await expect(chat.composer).to_have_value("Here they are")


async def test_files_go_without_a_word(place: Place, chat: Chat) -> None:
    await attached(chat, picture("alone.png"))
    await send(chat)
    assert [block["type"] for block in sent(place)] == ["image"]
    await expect(chat.turns.last.locator(".message__text")).to_be_hidden()


async def test_the_order_is_the_persons(place: Place, chat: Chat) -> None:
    await attached(chat, picture("a.png", size=(100, 100)), picture("b.png", size=(200, 200)))
    forward = chat.page.get_by_role("button", name="Move b.png forward")
    await forward.press("Enter")
    await expect(forward).to_be_focused()
    await expect(chat.page.locator(".upload__name")).to_have_text(["b.png", "a.png"])
    await expect(rows(chat).first).to_contain_text("Image 1")
    await rows(chat).nth(1).drag_to(rows(chat).nth(0))
    await expect(chat.page.locator(".upload__name")).to_have_text(["a.png", "b.png"])
    await forward.press("Enter")
    await chat.ask("In this order")
    assert [pixels(block) for block in sent(place)[:2]] == [(200, 200), (100, 100)]


async def test_a_removed_file_is_taken_back(place: Place, chat: Chat) -> None:
    await attached(chat, picture("keep.png"), picture("drop.png"))
    async with chat.page.expect_response(lambda one: one.request.method == "DELETE") as taken:
        await chat.page.get_by_role("button", name="Remove drop.png").press("Enter")
    assert (await taken.value).status == 204
    await expect(chat.page.get_by_role("button", name="Remove keep.png")).to_be_focused()
    await chat.ask("One")
    assert len(sent(place)) == 2


async def test_a_refusal_says_why_and_the_rest_can_go(place: Place, chat: Chat) -> None:
    await attached(chat, *(picture(f"{number}.png") for number in range(8)))
    await attach(chat, HEIC)
    await expect(rows(chat).last).to_contain_text("This is a HEIC picture. It cannot be read here.")
    await expect(rows(chat).last).to_be_in_viewport(ratio=0.9)
    await expect(chat.page.get_by_role("button", name="Try again")).to_be_hidden()
    await chat.composer.fill("Look")
    await chat.composer.press("Enter")
    await expect(chat.page.get_by_role("alert")).to_have_text(
        "One file was not uploaded. Remove it or try again."
    )
    await chat.page.get_by_role("button", name="Remove beach.heic").click()
    await chat.composer.press("Enter")
    await chat.settled()
    assert [block["type"] for block in sent(place)] == ["image"] * 8 + ["text"]


async def test_what_is_no_picture_has_the_sign_of_a_file(chat: Chat) -> None:
    await attach(chat, {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    await expect(rows(chat)).to_contain_text("This is not a readable picture")
    await expect(rows(chat).locator("img")).to_be_hidden()
    await expect(rows(chat).locator(".upload__picture svg")).to_be_visible()


async def test_an_upload_that_broke_off_is_tried_again(place: Place, chat: Chat) -> None:
    await attached(chat, picture("first.png"))
    place.cable.cut()
    await attach(chat, picture("second.png"))
    await expect(rows(chat).last).to_contain_text("The server cannot be reached.")
    place.cable.mend()
    await chat.page.get_by_role("button", name="Try second.png again").click()
    await expect(chat.page.locator(".upload[data-state=done]")).to_have_count(2)


async def test_a_question_about_a_pdf_is_answered_with_a_citation_that_opens(
    place: Place, chat: Chat
) -> None:
    await attached(chat, pdf(3), NOTES)
    answer = place.answer()
    await chat.say("How long is the pier?")
    cited = {
        "type": "page_location", "cited_text": "The pier is 61 m long.", "document_index": 0,
        "document_title": "gauge.pdf", "start_page_number": 2, "end_page_number": 3,
    }  # fmt: skip
    noted = {
        "type": "char_location", "cited_text": "61 m", "document_index": 1, "document_title": "notes.txt",
        "start_char_index": 12, "end_char_index": 16,
    }  # fmt: skip
    answer.begin().text("It is ").raw(wire.block_stop(0))
    answer.raw(wire.block_start(1)).text("61 m long", 1).raw(
        wire.delta(1, type="citations_delta", citation=cited)
    )
    answer.raw(wire.block_stop(1) + wire.block_start(2)).text(", says the gauge.", 2)
    await chat.shows(", says the gauge.")
    lines = await chat.answers.last.locator(".prose").evaluate_all(
        "all => new Set(all.flatMap((one) => [...one.getClientRects()].map((box) => Math.round(box.top)))).size"
    )
    assert lines == 1, "one sentence, also while it is written"
    assert (await chat.text_of(chat.answers.last)).split() == [
        "It",
        "is",
        "61",
        "m",
        "long,",
        "says",
        "the",
        "gauge.",
    ]
    answer.raw(wire.delta(2, type="citations_delta", citation=noted)).end(index=2)
    await chat.settled()
    for _ in range(2):
        await expect(chat.answers.last.locator(".prose > p")).to_have_text(
            "It is 61 m long1, says the gauge.2"
        )
        await expect(chat.answers.last.locator(".prose"), "nothing is left to join").to_have_class("prose")
        panel = chat.page.get_by_role("dialog", name="Source 1")
        await expect(panel).to_be_hidden()
        mark = chat.answers.last.get_by_role("button", name="Source 1: gauge.pdf")
        await chat.page.keyboard.press("Shift")  # from now on what has the focus shows it
        await mark.focus()
        quotation = (
            "mark => [getComputedStyle(mark, '::after').content, getComputedStyle(mark, '::after').display]"
        )
        assert await mark.evaluate(quotation) == ['"The pier is 61 m long."', "block"]
        await chat.page.keyboard.press("Enter")
        await expect(panel).to_contain_text("Page 2")
        assert (await mark.evaluate(quotation))[1] == "none"
        # At a wide screen the panel stands beside the text, not on it.
        beside = await panel.evaluate("one => one.getBoundingClientRect().left")
        for covered in (mark, chat.page.locator("#send"), chat.page.locator("#header [data-menu]")):
            assert await covered.evaluate("one => one.getBoundingClientRect().right") <= beside
        await expect(panel.get_by_text("The pier is 61 m long.")).to_be_visible()
        async with chat.page.expect_download() as coming:
            await panel.get_by_role("link", name="Download the document").click()
        assert (await coming.value).suggested_filename == "gauge.pdf"
        assert await violations(chat.page) == []
        await chat.page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(mark).to_be_focused()
        await chat.answers.last.get_by_role("button", name="Source 2: notes.txt").click()
        passage = chat.page.get_by_role("dialog", name="Source 2").locator(".source__passage")
        await expect(passage).to_have_text("The pier is 61 m long.")
        await expect(passage.locator("mark")).to_have_text("61 m")
        await audit(chat.page)
        await chat.page.set_viewport_size(WIDE)
        await chat.page.reload()


async def test_files_survive_a_reload_in_mid_upload(place: Place, chat: Chat, tmp_path: Path) -> None:
    await chat.composer.fill("Not yet")
    await attached(chat, picture("there.png"))
    place.cable.freeze()
    await chat.page.locator("#attach-files").set_input_files(large(tmp_path, "half.png"))
    await expect(rows(chat)).to_have_count(2)
    reloading = asyncio.create_task(chat.page.reload())
    await asyncio.sleep(0)
    place.cable.mend()
    await reloading
    await expect(chat.composer).to_have_value("Not yet")
    await expect(rows(chat).nth(0)).to_contain_text("Image 1")
    await expect(rows(chat).nth(1)).to_contain_text("Attach it again.")
    await chat.page.get_by_role("button", name="Remove half.png").click()
    await chat.composer.press("Enter")
    await expect(chat.turns).to_have_count(1)
    await chat.settled()
    assert [block["type"] for block in sent(place)] == ["image", "text"]
    await chat.page.reload()
    await expect(chat.turns.locator("img")).to_have_count(1)
    await expect(rows(chat)).to_have_count(0)


async def test_a_refused_send_gives_the_files_back(place: Place, chat: Chat) -> None:
    await attached(chat, picture("kept.png"))
    gone = picture("gone.png")
    await attached(chat, gone)
    await chat.page.evaluate(
        """async () => {
            const drafts = Object.keys(localStorage).filter((key) => key.startsWith("chatsite:draft:"));
            const files = drafts.map((key) => JSON.parse(localStorage[key]).attachments ?? []);
            const { url } = files.find((one) => one[1]?.name === "gone.png")[1];
            const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
            await fetch(url, { method: "DELETE", headers: { "X-CSRFToken": token } });
        }"""
    )
    await chat.composer.fill("Both")
    await chat.composer.press("Enter")
    await expect(rows(chat)).to_have_count(2)
    await expect(rows(chat).nth(1)).to_contain_text("This file is no longer there.")
    await expect(chat.composer).to_have_value("Both")
    await expect(chat.turns).to_have_count(0)


async def test_pictures_are_looked_at_by_keyboard(chat: Chat) -> None:
    await attached(chat, picture("one.png", size=(2000, 1000)), picture("two.png"), NOTES)
    await send(chat)
    link = chat.turns.last.get_by_role("link", name="one.png")
    await link.focus()
    await chat.page.keyboard.press("Enter")
    viewer = chat.page.get_by_role("dialog", name="one.png")
    await expect(viewer).to_be_visible()
    image = viewer.get_by_role("img", name="one.png")
    await expect(image).to_have_js_property("naturalWidth", 2000)
    zoom = chat.page.locator(".viewer__zoom")
    fit = await zoom.inner_text()
    await chat.page.keyboard.press("+")
    await expect(zoom).not_to_have_text(fit)
    await chat.page.keyboard.press("-")
    await expect(zoom).to_have_text(fit)
    for _ in range(3):
        await chat.page.keyboard.press("+")
    await chat.page.keyboard.press("ArrowRight")
    await expect(image).to_be_visible()
    await chat.page.keyboard.press("0")
    await expect(zoom).to_have_text(fit)
    await chat.page.keyboard.press("ArrowRight")
    viewer_of_two = chat.page.get_by_role("dialog", name="two.png")
    await expect(viewer_of_two).to_be_visible()
    await expect(chat.page.locator(".viewer__count")).to_have_text("2 / 2")
    await chat.page.keyboard.press("ArrowRight")
    await expect(chat.page.locator(".viewer__count")).to_have_text("2 / 2")
    async with chat.page.expect_download() as download:
        await chat.page.get_by_role("link", name="Download").press("Enter")
    assert (await download.value).suggested_filename == "two.png"
    await chat.page.get_by_role("button", name="Describe the picture").press("Enter")
    field = chat.page.get_by_label("Description", exact=True)
    await expect(field).to_be_focused()
    await expect(field).to_have_value("")
    await field.press_sequentially("Tide at 0-3 m")
    await chat.page.get_by_role("button", name="Save").press("Enter")
    await expect(viewer_of_two.get_by_role("img", name="Tide at 0-3 m")).to_be_visible()
    await expect(field).to_be_hidden()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.locator("#viewer")).to_be_hidden()
    await expect(link).to_be_focused()
    await chat.page.reload()
    await expect(chat.turns.last.get_by_role("link", name="Tide at 0-3 m")).to_be_visible()


async def test_who_describes_a_picture_later_hears_what_somebody_else_said(alice: Visit) -> None:
    chat = await alice.chat()
    await attached(chat, picture("one.png"))
    await send(chat)
    other = await alice.chat(f"/conversations/{chat.conversation}/")
    for tab in (chat, other):
        await tab.turns.last.locator("a.attachment--image").click()
        await tab.page.get_by_role("button", name="Describe the picture").click()
    await chat.page.get_by_label("Description", exact=True).fill("A pier")
    await chat.page.get_by_role("button", name="Save").click()
    await expect(chat.page.locator("#alt-text")).to_be_hidden()
    field = other.page.get_by_label("Description", exact=True)
    await field.fill("A jetty")
    await other.page.get_by_role("button", name="Save").click()
    await expect(other.page.locator("#alt-text [role=alert]")).to_contain_text("meanwhile: “A pier”")
    await expect(field).to_have_value("A jetty")
    await other.page.get_by_role("button", name="Save").click()
    await expect(other.page.locator("#alt-text")).to_be_hidden()


async def test_an_edit_keeps_the_pictures(place: Place, chat: Chat) -> None:
    await attached(chat, picture("one.png"))
    await chat.ask("What is it?")
    await chat.act(chat.turns.last, "edit")
    field = chat.page.locator(".edit__text")
    await expect(chat.page.locator(".edit img")).to_have_count(1)
    await field.fill("What is it really?")
    await field.press("Enter")
    await expect(chat.turns.last.locator(".message__text")).to_have_text("What is it really?")
    await expect(chat.turns.last.locator("img")).to_have_count(1)
    await chat.settled()
    assert [block["type"] for block in sent(place)] == ["image", "text"]


async def test_files_and_the_viewer_are_accessible(chat: Chat) -> None:
    await attached(chat, picture("one.png"), picture("two.png"), NOTES)
    await send(chat)
    await attached(chat, picture("three.png"), pdf(2))
    await attach(chat, HEIC)
    await expect(rows(chat).last).to_contain_text("HEIC")
    await chat.page.mouse.move(0, 0)
    await audit(chat.page)
    await chat.turns.last.locator("a.attachment--image").first.click()
    await expect(chat.page.locator("#viewer img")).to_have_js_property("complete", True)
    await audit(chat.page)
    await chat.page.get_by_role("button", name="Describe the picture").click()
    await expect(chat.page.locator("#alt-text")).to_be_visible()
    await audit(chat.page)

"""Files on their way in: picked, pasted, dragged, shown, sent, looked at."""

from __future__ import annotations

import base64
import io

from PIL import Image
from playwright.async_api import FilePayload, expect

from .place import Place
from .visit import Chat


def picture(name: str, colour: str, size: tuple[int, int] = (320, 200)) -> FilePayload:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}


async def attach(chat: Chat, *files: FilePayload) -> None:
    await chat.page.locator("#attach-files").set_input_files(files)


async def test_two_pictures_are_compared_in_one_question(place: Place, chat: Chat) -> None:
    await attach(chat, picture("north.png", "red"), picture("south.png", "blue", (200, 320)))
    rows = chat.page.locator(".upload")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("Image 1")
    await expect(rows.nth(1)).to_contain_text("Image 2")
    await expect(rows.nth(1)).to_contain_text("tokens")
    await chat.ask("Which is larger?")
    content = place.asked()[-1].body["messages"][-1]["content"]
    assert [block["type"] for block in content] == ["image", "image", "text"]
    sizes = [Image.open(io.BytesIO(base64.b64decode(block["source"]["data"]))).size for block in content[:2]]
    assert sizes == [(320, 200), (200, 320)]
    await expect(rows).to_have_count(0)
    await expect(chat.turns.last.locator("img")).to_have_count(2)
    await chat.page.reload()
    await expect(chat.turns.last.locator("img")).to_have_count(2)

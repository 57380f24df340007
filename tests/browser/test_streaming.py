"""What the upstream sent is what the page shows: no character lost, doubled or moved, at any time."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests import patience
from tests.fake_upstream import wire

from .place import Place
from .texts import HARD, pieces, shown_and_expected
from .visit import Chat, Visit

# In every animation frame: the numbered words that the page shows must be 0, 1, 2 … without a hole or a double.
_SAMPLER = """() => {
    const seen = { frames: 0, most: 0, wrong: [], blank: 0 };
    globalThis.seen = seen;
    const look = () => {
        seen.frames += 1;
        const blocks = document.querySelector("#messages > .message--assistant:last-child .message__blocks");
        const words = (blocks?.textContent ?? "").matchAll(/w(\\d+)/g);
        const numbers = [...words].map((match) => Number(match[1]));
        if (numbers.some((number, index) => number !== index)) seen.wrong.push(numbers.join(","));
        if (numbers.length < seen.most) seen.blank += 1;
        seen.most = Math.max(seen.most, numbers.length);
        requestAnimationFrame(look);
    };
    look();
}"""


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_final_page_equals_one_rendering_of_the_whole_text(
    place: Place, chat: Chat, seed: int
) -> None:
    answer = place.answer()
    await chat.say("Go")
    answer.begin()
    for piece in pieces(HARD, seed):
        answer.text(piece)
        if seed == 2:
            await asyncio.sleep(0)
    answer.end()
    await chat.settled()
    shown, expected = await shown_and_expected(chat.answers.last, HARD)
    assert shown == expected
    stored = place.clerk.content(chat.conversation)[-1]["text"]
    assert stored == HARD
    await chat.page.reload()
    shown, expected = await shown_and_expected(chat.answers.last, HARD)
    assert shown == expected


async def test_no_word_is_missing_or_doubled_in_any_frame(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Count")
    await chat.page.evaluate(_SAMPLER)
    answer.begin()
    number = 0
    for paragraph in range(12):
        for _ in range(20):
            answer.text(f"w{number} ")
            number += 1
            await asyncio.sleep(0.003)
        answer.text(["\n\n", "\n\n```\n", "\n```\n\n", "\n- ", "\n\n> "][paragraph % 5])
    await chat.shows(f"w{number - 1} ")
    # A slow machine draws fewer frames in the same time: the answer lasts until there are enough.
    await chat.until("async () => seen.frames > 10")
    answer.end()
    await chat.settled()
    seen = await chat.page.evaluate("seen")
    assert seen["wrong"] == []
    assert seen["blank"] == 0
    assert seen["frames"] > 10


async def test_what_was_shown_after_code_stays_when_only_the_code_is_rendered(
    place: Place, alice: Visit
) -> None:
    """The text runs ahead of its rendering, which reaches the page while the code in it is still open."""
    page = await alice.context.new_page()
    held: list[str] = []
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        def from_server(message: str | bytes) -> None:
            if json.loads(message)["type"] == "block_html":
                held.append(str(message))
            else:
                socket.send(message)

        sockets.append(socket)
        socket.connect_to_server().on_message(from_server)

    await page.route_web_socket("**/ws/**", connect)
    chat = await Chat(place, page).open()
    answer = place.answer()
    await chat.say("Code?")
    begun = "Before.\n\n```\ncode 1\ncode 2\n"
    answer.begin().text(begun)
    async with asyncio.timeout(patience.SECONDS):
        while not held or json.loads(held[-1])["length"] < len(begun):
            await page.evaluate("new Promise((done) => setTimeout(done, 20))")
    rendered = list(held)
    answer.text("code 3\n```\n\nAfter **the** code.")
    await chat.shows("code.")
    for frame in rendered:
        sockets[-1].send(frame)
    blocks = chat.answers.last.locator(".message__blocks")
    await expect(blocks.locator("pre code")).to_be_visible()
    assert re.sub(r"\s+", " ", await blocks.inner_text()).endswith("code 1 code 2 code 3 After the code.")
    answer.end()
    await chat.settled()


async def test_a_thinking_block_is_one_line_that_opens(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Think")
    answer.raw(wire.message_start() + wire.block_start(0, type="thinking", thinking="", signature=""))
    thinking = chat.answers.last.locator("details.thinking")
    await expect(thinking).to_be_visible()
    answer.raw(wire.delta(0, type="thinking_delta", thinking="First this.\nThen the last line."))
    await expect(thinking.locator(".thinking__line")).to_have_text("Then the last line.")
    await expect(thinking.locator(".thinking__text")).to_be_hidden()
    # The model takes its time.
    await asyncio.sleep(1.1)
    answer.raw(wire.delta(0, type="signature_delta", signature="c2ln") + wire.block_stop(0))
    answer.raw(wire.block_start(1)).text("The answer.", 1)
    await chat.shows("The answer.")
    label = thinking.locator(".thinking__label")
    await expect(label).to_have_text(re.compile(r"^Thought for [\d.]+ s$"))
    thought = await label.inner_text()
    await thinking.locator("summary").click()
    await expect(thinking.locator(".thinking__text")).to_have_text("First this.\nThen the last line.")
    answer.end(index=1)
    await chat.settled()
    await expect(thinking.locator(".thinking__text")).to_be_visible()
    await expect(label).to_have_text(thought)
    await chat.page.reload()
    await expect(label).to_have_text(thought)
    await thinking.locator("summary").click()
    await expect(thinking.locator(".thinking__text")).to_have_text("First this.\nThen the last line.")


async def test_a_tool_call_shows_its_name_and_input(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Weather?")
    answer.raw(
        wire.message_start()
        + wire.block_start(0, type="tool_use", id="toolu_1", name="get_weather", input={})
    )
    tool = chat.answers.last.locator("details.tool")
    await expect(tool.locator(".tool__name")).to_have_text("get_weather")
    answer.raw(wire.delta(0, type="input_json_delta", partial_json='{"city": "Ro'))
    answer.raw(wire.delta(0, type="input_json_delta", partial_json='me"}'))
    answer.end("tool_use")
    await chat.settled()
    await tool.locator("summary").click()
    await expect(tool.locator(".tool__input")).to_contain_text('"city": "Rome"')


async def test_focus_stays_where_it_is_and_the_stream_is_not_read_out(place: Place, chat: Chat) -> None:
    answer = place.answer()
    await chat.say("Speak")
    await expect(chat.composer).to_be_focused()
    said = await chat.page.evaluate_handle(
        """() => {
            const said = [];
            const region = document.getElementById("announcer");
            new MutationObserver(() => region.textContent && said.push(region.textContent))
                .observe(region, { childList: true, characterData: true, subtree: true });
            return said;
        }"""
    )
    answer.begin()
    for number in range(40):
        answer.text(f"word {number} ")
        await asyncio.sleep(0.005)
    await chat.shows("word 39")
    answer.end()
    await chat.settled()
    await expect(chat.composer).to_be_focused()
    await chat.page.wait_for_function("(said) => said.length >= 2", arg=said)
    assert await said.json_value() == ["The answer has begun.", "The answer is complete."]
    # No live region holds the transcript.
    live = "[aria-live], [role=log], [role=status]"
    assert await chat.answers.last.evaluate("(element, live) => element.closest(live)", live) is None

"""A text on its way to the page: what is delivered while it is written, and that it ends as the whole."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from conversations.rendering import live
from conversations.rendering.jobs import DocumentJob
from conversations.rendering.live import BlockHTML, LiveBlock
from conversations.rendering.markdown import MAX_BYTES, render_document
from conversations.rendering.service import RenderService
from tests import patience

from .inspection import faults
from .test_incremental import ANSWER


class Page:
    """What a browser makes of the news: the blocks so far, and how much of the text they cover."""

    def __init__(self, service: RenderService) -> None:
        self.news: list[BlockHTML] = []
        self.times: list[float] = []
        self.blocks: list[str] = []
        self.changed = asyncio.Event()
        self.live = LiveBlock(service, self.take)

    def take(self, news: BlockHTML) -> None:
        self.news.append(news)
        self.times.append(asyncio.get_running_loop().time())
        self.blocks[news.start :] = news.html
        self.changed.set()

    async def next(self) -> BlockHTML:
        await asyncio.wait_for(self.changed.wait(), patience.SECONDS)
        self.changed.clear()
        return self.news[-1]

    async def end(self) -> list[str]:
        await asyncio.wait_for(self.live.finish(), patience.SECONDS)
        return self.blocks


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


async def test_a_text_in_pieces_ends_as_the_whole(
    service: RenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "INTERVAL", 0.0)
    page = Page(service)
    *lines, last = ANSWER.splitlines(keepends=True)
    for number, line in enumerate(lines):
        page.live.push(line, number)
        await page.next()
    page.live.push(last, len(lines))
    assert await page.end() == render_document(ANSWER)
    assert page.news[-1].final and page.news[-1].length == len(ANSWER) and page.news[-1].open == ""
    assert sum(news.final for news in page.news) == 1
    for news in page.news:
        assert faults([*news.html, news.open]) == []
    covered = [news.length for news in page.news]
    assert covered == sorted(covered)


async def test_the_first_markup_is_formatted_without_waiting_for_more(service: RenderService) -> None:
    page = Page(service)
    page.live.push("# Title\nand ", 3)
    assert (await page.next()) == BlockHTML(0, ["<h3>Title</h3>\n"], "<p>and</p>\n", 12, 3, False)
    page.live.close()


async def test_text_without_markup_causes_no_work(
    service: RenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[object] = []
    monkeypatch.setattr(service, "submit", jobs.append)
    page = Page(service)
    for number in range(100):
        page.live.push("plain words, ", number)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert jobs == []


async def test_an_open_block_is_rendered_at_most_five_times_a_second(service: RenderService) -> None:
    page = Page(service)
    page.live.push("a\n", 1)
    await page.next()
    page.live.push("b\n", 2)
    await page.next()
    assert page.times[1] - page.times[0] >= live.INTERVAL * 0.99
    page.live.close()


async def test_lengths_count_as_browsers_count(service: RenderService) -> None:
    page = Page(service)
    text = "👩‍👩‍👧 **x**\n\né 😀\r\nend"
    page.live.push(text, 1)
    await page.end()
    assert page.news[-1].length == utf16(text) > len(text)


async def test_a_character_cut_in_half_between_events_is_no_obstacle(service: RenderService) -> None:
    page = Page(service)
    page.live.push("a \ud83d", 1)
    page.live.push("\ude00 **b**\n", 2)
    await page.end()
    assert page.news[-1].length == utf16("a \ud83d\ude00 **b**\n") and "<strong>b</strong>" in page.blocks[0]


async def test_a_later_definition_changes_what_was_closed(
    service: RenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "INTERVAL", 0.0)
    text = "first\n\nsee [a]\n\nmore\n\n[a]: https://x.y\n"
    page = Page(service)
    page.live.push(text[:24], 1)
    await page.next()
    assert page.blocks[1] == "<p>see [a]</p>\n"
    page.live.push(text[24:], 2)
    assert await page.end() == render_document(text)
    assert page.news[-1].start == 1 and 'href="https://x.y"' in page.blocks[1]


async def test_a_text_too_costly_to_format_live_is_given_at_the_end(service: RenderService) -> None:
    text = "**a**\n\n" + "![" * 20_000 + "[" * 40_000
    page = Page(service)
    page.live.push(text + "\n", 1)
    blocks = await page.end()
    assert blocks[0] == "<p><strong>a</strong></p>\n" and blocks[1].startswith('<p class="plain">![')
    assert page.news[-1].length == len(text) + 1


async def test_a_text_over_the_limit_is_complete_at_the_end(
    service: RenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_LIVE", 1000)
    page = Page(service)
    page.live.push("**start**\n\n", 1)
    await page.next()
    page.live.push("word " * 400 + "**end**", 2)
    blocks = await page.end()
    assert blocks[0] == "<p><strong>start</strong></p>\n" and "end</strong>" in blocks[-1]
    assert page.news[-1].final and page.news[-1].length == 11 + 2000 + 7


async def test_the_limit_counts_bytes_as_for_the_whole(service: RenderService) -> None:
    text = f"```\n{'文' * (MAX_BYTES // 3)}\n```"
    assert len(text) < MAX_BYTES // 2
    page = Page(service)
    page.live.push(text, 1)
    assert await page.end() == render_document(text)


async def test_the_finished_text_is_remembered_for_the_page(service: RenderService) -> None:
    page = Page(service)
    page.live.push("remember *this* one", 1)
    blocks = await page.end()
    again = service.submit(DocumentJob("remember *this* one"))
    assert again.done() and again.result() == blocks


async def test_nothing_written_ends_at_once(service: RenderService) -> None:
    page = Page(service)
    assert await page.end() == []


async def test_a_closed_block_delivers_nothing_more(service: RenderService) -> None:
    page = Page(service)
    page.live.push("**x**\n", 1)
    page.live.close()
    service.submit(DocumentJob("pass the queue")).result(30)
    await asyncio.sleep(0)
    assert page.news == []


async def test_a_service_that_closes_leaves_the_whole_text_plain() -> None:
    service = RenderService()
    page = Page(service)
    page.live.push("**x** and\nmore", 1)
    service.close()
    assert await page.end() == ['<p class="plain">**x** and\nmore</p>']
    assert page.news[-1].length == 14 and page.news[-1].final


async def test_a_block_that_has_ended_is_let_go_at_once(service: RenderService) -> None:
    """With it goes what it delivers to: the log of an answer may have megabytes."""
    block = LiveBlock(service, lambda news: None)
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    gc.disable()
    try:
        last_sight = weakref.ref(block, lambda _: loop.call_soon_threadsafe(gone.set))
        block.push("One **two** three", 1)
        await asyncio.wait_for(block.finish(), patience.SECONDS)
        del block
        await asyncio.wait_for(gone.wait(), patience.SECONDS)
        assert last_sight() is None
    finally:
        gc.enable()

"""Rendering a text that is still being written: closed blocks once, the open one again. Stateless; the caller keeps the state."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .markdown import Block, Document, References, block_html, parse

_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(slots=True)
class Segment:
    """What one pass over the open tail of a text found.

    closed: HTML of the blocks that no later text can change, except by a link definition.
    open: provisional HTML of the block still open, ``""`` if there is none.
    consumed: code points of the tail that the closed blocks cover; the caller drops them.
    covered: code points of the tail that closed and open HTML cover together.
    references: link definitions to hand to the next pass.
    defines: definitions were seen anywhere; only then can `render_document` of the whole text differ at the end.
    """

    closed: list[str]
    open: str
    consumed: int
    covered: int
    references: dict[str, dict[str, Any]]
    defines: bool


def render_open(
    tail: str,
    references: References,
    *,
    final: bool,
    render: Callable[[Document, Block], str] = block_html,
) -> Segment:
    """Render what stands in `tail`, the text from the first open block on.

    Only whole lines are read until `final`: an unfinished line may still turn into anything. Every block but the
    last is closed, since CommonMark closes a block when the next one starts; the last one is closed early where its
    own lines prove it. Feeding a text in any pieces and joining `closed` gives `render_document(text)`, unless
    `defines`. `render` renders one block; the worker passes one with a CPU budget.
    """
    whole = len(tail) if final else _whole_lines(tail)
    document = parse(tail[:whole], references)
    blocks = document.blocks
    open_block = None
    if blocks and not final and not _is_closed(document, blocks[-1]):
        open_block = blocks.pop()
        _mark_open(open_block)
    closed = [render(document, block) for block in blocks]
    open_html = render(document, open_block) if open_block else ""
    if final:
        lines = len(document.lines)
    elif open_block:
        lines = open_block.first
    else:
        lines = blocks[-1].end if blocks else 0
    kept = {
        label: {"title": "", "href": found["href"], "map": [0, 0]}
        for label, found in document.references.items()
        if label in references or found["map"][1] <= lines
    }
    return Segment(
        closed=closed,
        open=open_html,
        consumed=whole if final else _offset(tail, lines),
        covered=whole,
        references=kept,
        defines=bool(document.references),
    )


def _whole_lines(tail: str) -> int:
    # A trailing carriage return may be half of a line end.
    end = max(tail.rfind("\n"), tail.rfind("\r", 0, len(tail) - 1)) + 1
    return end


def _offset(tail: str, lines: int) -> int:
    end = 0
    for _ in range(lines):
        match = _LINE_END.search(tail, end)
        if match is None:
            return len(tail)
        end = match.end()
    return end


def _is_closed(document: Document, block: Block) -> bool:
    kind = block.tokens[0].type
    if kind in ("heading_open", "hr", "formula_block"):
        return True
    lines = document.lines
    if kind == "fence":
        return _fence_is_closed(block, lines)
    # `lines` ends in an empty string, the line not yet begun: only a blank line before that one counts.
    return kind in ("paragraph_open", "table_open", "blockquote_open", "alert_open") and (
        block.end < len(lines) - 1 and not lines[block.end].strip(" \t")
    )


def _fence_is_closed(block: Block, lines: list[str]) -> bool:
    mark = block.tokens[0].markup
    last = lines[block.end - 1].strip(" \t")
    return block.end - block.first > 1 and len(last) >= len(mark) and not last.strip(mark[0])


def _mark_open(block: Block) -> None:
    if block.tokens[0].type == "fence":
        block.tokens[0].meta = {"open": True}

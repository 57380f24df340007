"""Rendering a text that is still being written: closed blocks once, the open one again.

Stateless: the caller keeps the tail and the references between passes.
"""

from __future__ import annotations

import re

from .markdown import Block, Document, References, block_html, parse
from .segment import Segment

_LINE_END = re.compile(r"\r\n?|\n")
_CLOSING_FENCE = re.compile(r" {0,3}(`+|~+)[ \t]*")


def render_open(tail: str, references: References, *, final: bool) -> Segment:
    """Render what stands in `tail`, the text from the first open block on.

    Only whole lines are read until `final`: an unfinished line may still turn into anything. Every block but the
    last is closed, since CommonMark closes a block when the next one starts; the last one is closed early where its
    own lines prove it. Feeding a text in any pieces and joining `closed` gives `render_document(text)`, unless
    `defines`.
    """
    whole = len(tail) if final else _whole_lines(tail)
    document = parse(tail[:whole], references)
    blocks = document.blocks
    open_block = None
    if blocks and not final and not _is_closed(document, blocks[-1]):
        open_block = blocks.pop()
        _mark_open(open_block)
    closed = [block_html(document, block) for block in blocks]
    open_html = block_html(document, open_block) if open_block else ""
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
    return max(tail.rfind("\n"), tail.rfind("\r", 0, len(tail) - 1)) + 1


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
    last = _CLOSING_FENCE.fullmatch(lines[block.end - 1])
    return block.end - block.first > 1 and last is not None and last[1].startswith(mark)


def _mark_open(block: Block) -> None:
    if block.tokens[0].type == "fence":
        block.tokens[0].meta = {"open": True}

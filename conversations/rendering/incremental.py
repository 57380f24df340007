"""Rendering a text that is still being written: closed blocks once, the open one again.

Stateless: the caller keeps the tail and the references between passes.
"""

from __future__ import annotations

import re

from .markdown import Block, Document, References, block_html, parse
from .segment import Segment

_LINE_END = re.compile(r"\r\n?|\n")
# An unfinished line of nothing but marks could be a rule, a list, a table or the underline of a heading.
_READABLE = re.compile(r"[^\W\d_]")
_CLOSING_FENCE = re.compile(r" {0,3}(`+|~+)[ \t]*")


def render_open(tail: str, references: References, *, final: bool) -> Segment:
    """Render what stands in `tail`, the text from the first open block on.

    Blocks are closed by whole lines only, until `final`: an unfinished line may still turn into anything.
    Every block but the last is closed, since CommonMark closes a block when the next one starts; the last
    one is closed early where its own lines prove it. Feeding a text in any pieces and joining `closed` gives
    `render_document(text)`, unless `defines`. The open HTML takes in the unfinished line if that reads well.
    """
    whole = len(tail) if final else _whole_lines(tail)
    document = parse(tail[:whole], references)
    blocks = document.blocks
    open_block = None
    if blocks and not final and not _is_closed(document, blocks[-1]):
        open_block = blocks.pop()
    closed = [block_html(document, block) for block in blocks]
    if final:
        consumed = whole
        references = document.references
    else:
        lines = open_block.first if open_block else blocks[-1].end if blocks else 0
        consumed = _offset(tail, lines)
        references = _definitions_before(lines, document, references)
    open_html, covered = "", whole
    if not final:
        open_html, covered = _render_provisional(document, open_block, tail, consumed, whole)
    return Segment(
        closed=closed,
        open=open_html,
        consumed=consumed,
        covered=covered,
        references={
            label: {"title": "", "href": found["href"], "map": [0, 0]} for label, found in references.items()
        },
        defines=bool(document.references),
    )


def _render_provisional(
    document: Document, open_block: Block | None, tail: str, consumed: int, whole: int
) -> tuple[str, int]:
    """Return the HTML of the open end, and how far into the tail it reaches."""
    is_fence = open_block is not None and open_block.tokens[0].type == "fence"
    unfinished = tail[whole:].rstrip("\r")
    if not is_fence and _READABLE.search(unfinished):
        # Read anew with the unfinished line; only for show, nothing is closed by it.
        shown = parse(tail[consumed : whole + len(unfinished)], document.references)
        for block in shown.blocks:
            _mark_open(block)
        return "".join(block_html(shown, block) for block in shown.blocks), whole + len(unfinished)
    if open_block is None:
        return "", whole
    _mark_open(open_block)
    return block_html(document, open_block), whole


def _definitions_before(lines: int, document: Document, known: References) -> References:
    return {
        label: found
        for label, found in document.references.items()
        if label in known or found["map"][1] <= lines
    }


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

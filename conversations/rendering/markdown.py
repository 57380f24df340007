"""Markdown to sanitised HTML, one string per top-level block. `incremental` builds on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore, text_join
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from . import formulas, links
from .characters import collapse, visible
from .output import Renderer
from .plain import plain_blocks
from .sanitizer import sanitise

MAX_BYTES = 256 * 1024
"""A longer text (UTF-8) is shown plain (promises section 4, Markdown)."""

MAX_DEPTH = 32
"""Nested quotes, lists and list items; what lies deeper becomes one paragraph."""

MAX_HTML = 2 * 1024 * 1024
"""Characters of HTML one block may become; more (padded tables, dependencies P8) is shown plain."""

_BREAK = re.compile(r"</?br *+/?>", re.IGNORECASE)

References = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Block:
    """A top-level block: lines `first` up to, not including, `end` of its document, and its tokens."""

    first: int
    end: int
    tokens: list[Token]


@dataclass(slots=True)
class Document:
    """A text cut into blocks: its source lines without their ends, and what the parser keeps beside."""

    lines: list[str]
    blocks: list[Block]
    environment: dict[str, Any]

    @property
    def references(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.environment["references"]
        return found

    def source(self, block: Block) -> str:
        """The Markdown of one block."""
        return "\n".join(self.lines[block.first : block.end])


def render_document(text: str) -> list[str]:
    """Return the sanitised HTML of each top-level block of `text`.

    Pure and deterministic. A text over `MAX_BYTES` comes back as plain paragraphs. CPU is not limited here:
    the worker runs each step under a budget.
    """
    if too_large(text):
        return plain_blocks(text)
    document = parse(text, {})
    return [block_html(document, block) for block in document.blocks]


def too_large(text: str) -> bool:
    """Tell whether `text` is beyond what is formatted."""
    return len(text) > MAX_BYTES or (
        len(text) * 4 > MAX_BYTES and len(text.encode(errors="replace")) > MAX_BYTES
    )


def parse(text: str, references: References) -> Document:
    """Cut `text` into top-level blocks; `references` are link definitions known from text before it."""
    source = visible(text.replace("\r\n", "\n").replace("\r", "\n")).replace("\0", "\ufffd")
    environment: dict[str, Any] = {"references": dict(references)}
    tokens = _PARSER.block.parse(source, _PARSER, environment, []) or []
    blocks: list[Block] = []
    start = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            first, end = tokens[start].map or (0, 0)
            blocks.append(Block(first, end, tokens[start : index + 1]))
            start = index + 1
    return Document(source.split("\n"), blocks, environment)


def block_html(document: Document, block: Block) -> str:
    """Return the sanitised HTML of one block; a block that cannot be rendered comes back as plain text."""
    try:
        _parse_inline(block.tokens, document.environment)
        rendered = _PARSER.renderer.render(block.tokens, _PARSER.options, document.environment)
    except (RecursionError, ValueError, LookupError, TypeError, RuntimeError):
        # A fault in a third-party rule must cost one block its format, never a message its text.
        return plain_html(document, block)
    if len(rendered) > MAX_HTML:
        return plain_html(document, block)
    # Made visible once more: `&#x202e;` has become a character only by now.
    return sanitise(collapse(visible(rendered)))


def plain_html(document: Document, block: Block) -> str:
    """Return the source of one block as plain paragraphs."""
    return "".join(plain_blocks(document.source(block)))


def _parse_inline(tokens: list[Token], environment: dict[str, Any]) -> None:
    for token in tokens:
        if token.type == "inline":
            children: list[Token] = []
            _PARSER.inline.parse(token.content, _PARSER, environment, children)
            token.children = children
    text_join(StateCore("", _PARSER, environment, tokens))
    for token in tokens:
        if token.type == "inline" and token.children:
            token.children = links.finish(token.children)


def _limit_depth(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    # markdown-it drops what is nested too deep; here it stays readable as one paragraph.
    if silent or state.level < MAX_DEPTH:
        return False
    stop = start + 1
    while stop < end and (state.isEmpty(stop) or state.sCount[stop] >= state.blkIndent):
        stop += 1
    state.line = stop
    formulas.push_paragraph(state, start, stop)
    return True


def _line_break(state: StateInline, silent: bool) -> bool:
    # The one piece of HTML that models write on purpose: a break inside a table cell.
    tag = _BREAK.match(state.src, state.pos)
    if tag is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = tag.end()
    return True


def _build() -> MarkdownIt:
    md = MarkdownIt(
        "gfm-like2",
        {"html": False, "linkify": False, "xhtmlOut": False, "maxNesting": MAX_DEPTH + 8},
        renderer_cls=Renderer,
    )
    md.disable(["html_block", "html_inline", "linkify"])
    links.install(md)
    formulas.install(md)
    md.block.ruler.before("table", "limit_depth", _limit_depth)
    # A head of a table is what nothing else begins with (GFM): a heading with a bar in it is closed by its own line.
    md.disable("table")
    md.block.ruler.before("lheading", "table_after_others", table, {"alt": ["paragraph", "reference"]})
    md.inline.ruler.before("autolink", "line_break", _line_break)
    return md


_PARSER = _build()

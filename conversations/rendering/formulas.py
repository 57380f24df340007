"""Parser rules that find TeX formulas: `$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]`, `\\begin{align}`."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

# A price is not a formula: no space inside the dollars, no digit before or after, all on one line.
_DOLLAR = re.compile(r"\$(?![\s$])((?:[^$\\`\n]|\\[^\n])++)(?<!\s)\$(?!\d)")
_DOUBLE_DOLLAR = re.compile(r"\$\$((?:[^$\\]|\\.)++)\$\$", re.DOTALL)
_ROUND = re.compile(r"\\\(((?:[^\\]|\\[^()])++)\\\)", re.DOTALL)
_SQUARE = re.compile(r"\\\[((?:[^\\]|\\[^\[\]])++)\\\]", re.DOTALL)

_ENVIRONMENT = re.compile(
    r"\\begin\{((?:align|alignat|equation|gather|multline|eqnarray|split|cases|[a-zA-Z]?matrix)\*?)\}"
)


def dollar_inline(state: StateInline, silent: bool) -> bool:
    """Inline rule: `$…$`, and `$$…$$` inside a paragraph."""
    src, pos = state.src, state.pos
    if src[pos] != "$":
        return False
    match = _DOUBLE_DOLLAR.match(src, pos, state.posMax)
    if match is None:
        if pos and (src[pos - 1].isdigit() or src[pos - 1] == "$"):
            return False
        match = _DOLLAR.match(src, pos, state.posMax)
    return _accept(state, match, silent)


def bracket_inline(state: StateInline, silent: bool) -> bool:
    r"""Inline rule: `\(…\)` and `\[…\]`; runs before the backslash escape."""
    if state.src.startswith("\\(", state.pos):
        return _accept(state, _ROUND.match(state.src, state.pos, state.posMax), silent)
    if state.src.startswith("\\[", state.pos):
        return _accept(state, _SQUARE.match(state.src, state.pos, state.posMax), silent)
    return False


def _accept(state: StateInline, match: re.Match[str] | None, silent: bool) -> bool:
    if match is None or not match[1].strip():
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content = match[1].strip()
        token.meta = {"display": match[0][:2] in ("$$", "\\[")}
    state.pos = match.end()
    return True


def formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""Block rule: a formula on lines of its own, `$$`, `\[` or `\begin{align}` to its closing mark.

    Where it begins is decided by its first line alone, and it ends at its mark, at a blank line or with its
    container: so it never changes how text before it was read, which incremental rendering relies on. One
    that does not close is a paragraph.
    """
    if state.is_code_block(start):
        return False
    line = _line(state, start)
    opening, closing = _marks(line)
    if not opening:
        return False
    inside = line[len(opening) :] if closing in ("$$", "\\]") else line
    closed = inside.rstrip().endswith(closing) and len(inside.strip()) > len(closing)
    if closing in inside and not closed:
        return False
    if silent:
        # Interrupts a paragraph only where the line is nothing but a mark or a whole formula, and where the
        # paragraph has not an inline formula open.
        if not closed and line.strip() != opening and closing in ("$$", "\\]"):
            return False
        return closing != "$$" or state.getLines(state.line, start, 0, False).count("$$") % 2 == 0
    last = start
    while not closed:
        last += 1
        if last >= end or state.isEmpty(last) or state.sCount[last] < state.blkIndent:
            break
        closed = _line(state, last).rstrip().endswith(closing)
    stop = last + 1 if closed else last
    content = state.getLines(start, stop, state.blkIndent, False).strip()
    state.line = stop
    if closed:
        token = state.push("formula_block", "math", 0)
        token.content = content[len(opening) : -len(closing)].strip() if closing in ("$$", "\\]") else content
        token.map = [start, stop]
    else:
        push_paragraph(state, start, stop)
    return True


def _marks(line: str) -> tuple[str, str]:
    if line.startswith("$$") and not line.startswith("$$$"):
        return "$$", "$$"
    if line.startswith("\\["):
        return "\\[", "\\]"
    if match := _ENVIRONMENT.match(line):
        return match[0], f"\\end{{{match[1]}}}"
    return "", ""


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def push_paragraph(state: StateBlock, start: int, stop: int) -> None:
    """Make one paragraph of the lines `start` up to `stop`, whatever they hold."""
    state.push("paragraph_open", "p", 1).map = [start, stop]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, stop, state.blkIndent, False).strip()
    inline.map, inline.children = [start, stop], []
    state.push("paragraph_close", "p", -1)


def install(md: MarkdownIt) -> None:
    """Add the formula rules to `md`."""
    md.inline.ruler.before("escape", "formula_bracket", bracket_inline)
    md.inline.ruler.before("escape", "formula_dollar", dollar_inline)
    md.block.ruler.before(
        "fence", "formula_block", formula_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )

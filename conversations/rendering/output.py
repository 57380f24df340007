"""Tokens to HTML: markdown-it's renderer with the marks this page needs. Used by `markdown` only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import islice
from unicodedata import bidirectional

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from . import highlighting, links
from .mathml import formula_html

LONG_CODE = 30
"""Lines above which the page folds a code block (look-and-feel, "A message")."""

_LETTER = re.compile(r"[^\W\d_]")
_LINK_REL = 'target="_blank" rel="noopener noreferrer"'


class Renderer(RendererHTML):
    """Render rules by token type. No ids, no inline styles, no images; a page keeps its own h1 and h2."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<h{_level(tokens[idx])}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"</h{_level(tokens[idx])}>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _figure(tokens[idx], highlighting.label(tokens[idx].info))

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _figure(tokens[idx], "")

    def formula(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return formula_html(tokens[idx].content, tokens[idx].meta["display"])

    def formula_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        content = tokens[idx].content
        # What may scroll must be reachable by keyboard; a short formula would only be in the way.
        focus = ' tabindex="0"' if len(content) > 60 else ""
        return f'<div class="math"{focus}>{formula_html(content, True)}</div>\n'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        direction = _direction(tokens, idx)
        return f'<div class="table"{direction} tabindex="0" role="group" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<th scope="col"{_alignment(tokens[idx])}>'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<td{_alignment(tokens[idx])}>"

    def blockquote_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<blockquote{_direction(tokens, idx)}>\n"

    def bullet_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _list(tokens, idx)

    def ordered_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _list(tokens, idx)

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        if "checked" not in token.meta:
            return "<li>"
        checked = ' checked=""' if token.meta["checked"] else ""
        return f'<li class="task"><input type="checkbox" disabled=""{checked} aria-label="Task"> '

    def alert_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<div class="alert alert--{tokens[idx].meta["kind"].lower()}">\n'

    def alert_title_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<p class="alert__title">'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        return "" if token.hidden else f'<a href="{escape(str(token.attrs["href"]))}" {_LINK_REL}>'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        if token.hidden:
            return ""
        shown = escape(token.meta["host"]) if token.meta["empty"] else ""
        note = token.meta["note"]
        return f"{shown}</a>" + (f' <span class="link__host">({escape(note)})</span>' if note else "")

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        # Nothing is fetched: an address can carry away what the conversation holds (promises P16, MD04).
        token = tokens[idx]
        url = str(token.attrs["src"])
        where = escape(links.host(url))
        if not token.meta.get("linked") and where:
            where = f'<a href="{escape(url)}" {_LINK_REL}>{where}</a>'
        words = escape(self.renderInlineAsText(token.children, options, env).strip())
        return f'<span class="image">Image not loaded: {words + " " if words else ""}({where or "no address"})</span>'


def _level(token: Token) -> int:
    return min(int(token.tag[1]) + 2, 6)


def _alignment(token: Token) -> str:
    style = str(token.attrs.get("style", ""))
    return f' class="align-{style.removeprefix("text-align:")}"' if style else ""


def _direction(tokens: Sequence[Token], idx: int) -> str:
    """Where the text of a list, a quotation or a table runs from right to left, so do its marks, line and columns.

    A page finds the direction of each paragraph by itself, as this does: by its first letter outside code.
    """
    if tokens[idx].level:
        return ""  # as what it stands in
    for token in islice(tokens, idx + 1, None):
        if token.level == 0:
            break
        for child in token.children or ():
            if child.type == "text" and (letter := _LETTER.search(child.content)):
                return ' dir="rtl"' if bidirectional(letter[0]) in ("R", "AL") else ""
    return ""


def _list(tokens: Sequence[Token], idx: int) -> str:
    token = tokens[idx]
    tasks = ' class="tasks"' if "class" in token.attrs else ""
    start = f' start="{token.attrs["start"]}"' if "start" in token.attrs else ""
    return f"<{token.tag}{start}{tasks}{_direction(tokens, idx)}>\n"


def _figure(token: Token, language: str) -> str:
    classes = "code"
    if token.content.count("\n") > LONG_CODE:
        classes += " code--long"
    if token.meta.get("open"):
        classes += " code--open"
    return (
        f'<figure class="{classes}"><figcaption><span class="code__language">{escape(language)}</span>'
        '<button type="button" class="code__wrap">Wrap</button>'
        '<button type="button" class="code__copy">Copy</button></figcaption>'
        f'<pre tabindex="0"><code>{highlighting.code_html(token.content, language)}</code></pre></figure>\n'
    )

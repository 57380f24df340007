"""Colours for code blocks: Pygments lexers from an allow-list, short CSS classes, no inline style."""

from __future__ import annotations

import functools
import html
import importlib
import re

from pygments.lexer import Lexer
from pygments.token import STANDARD_TYPES, _TokenType

from . import budget
from .languages import ALIASES, LEXERS

MAX_CODE = 65536
"""Characters of one block that are coloured; a longer one stays plain."""

_LABEL = re.compile(r"[\w+#./-]{1,32}", re.ASCII)


def label(info: str) -> str:
    """Return the language named by a fence's info string: its first word if short and plain, else ``""``."""
    word = info.split(maxsplit=1)[0].strip("{}.,:") if info.strip() else ""
    return word if _LABEL.fullmatch(word) else ""


def code_html(code: str, language: str) -> str:
    """Return `code` escaped, its tokens in `<span class="…">` where `language` is on the allow-list."""
    language = language.lower()
    language = ALIASES.get(language, language)
    if language not in LEXERS or len(code) > MAX_CODE:
        return html.escape(code, quote=False)
    tokens = list(_lexer(language, "<?" not in code).get_tokens(code))
    if "".join(text for _, text in tokens) != code:
        # Some lexers drop or double what a code that breaks off, or is still being written, ends in.
        return html.escape(code, quote=False)
    pieces: list[str] = []
    run: list[str] = []
    current = ""
    for kind, text in tokens:
        name = _class(kind)
        if name != current and run:
            pieces.append(_span(current, "".join(run)))
            run = []
        current = name
        run.append(text)
    pieces.append(_span(current, "".join(run)))
    return "".join(pieces)


@functools.cache
def _class(kind: _TokenType) -> str:
    """The CSS class of a token type, or of the nearest kind of it that has one; none for white space."""
    known: _TokenType | None = kind
    while known is not None and known not in STANDARD_TYPES:
        known = known.parent
    name = STANDARD_TYPES[known] if known is not None else ""
    return "" if name == "w" else name


def _span(name: str, text: str) -> str:
    escaped = html.escape(text, quote=False)
    return f'<span class="{name}">{escaped}</span>' if name else escaped


@functools.cache
def _lexer(language: str, inline: bool) -> Lexer:
    module, name = LEXERS[language]
    with budget.uncounted():
        lexer_class = getattr(importlib.import_module(f"pygments.lexers.{module}"), name)
        # `startinline` is PHP's, for a snippet without its opening tag; other languages ignore it.
        lexer: Lexer = lexer_class(stripnl=False, ensurenl=False, startinline=inline)
    return lexer

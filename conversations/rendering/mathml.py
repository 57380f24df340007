"""TeX to MathML, which browsers draw without a script. Used by `output`; the result is sanitised last."""

from __future__ import annotations

import functools
import html
import re
from itertools import zip_longest
from typing import Any
from xml.etree.ElementTree import Element, tostring

from . import budget, tex

MAX_SOURCE = 4096
"""Characters of TeX that are converted; conversion is super-linear (dependencies P4)."""

MAX_LENGTH = 10.0
"""Largest distance in em that a formula may set: more could paint over what is outside the answer."""

# Definitions could grow without end, the others have no place in an answer (promises MD21).
_FORBIDDEN = re.compile(
    r"\\(?:[egx]?def|let|(?:re)?new(?:command|environment)|providecommand|DeclareMathOperator"
    r"|includegraphics|href|url|input)\b|\\html"
)
_LENGTH = re.compile(r"(-?\d*\.?\d+)\s*(em|ex|pt|px|mu|cm|mm|in|pc|bp)?")
_EM = {
    "em": 1,
    "ex": 0.5,
    "pt": 0.1,
    "px": 0.0625,
    "mu": 0.056,
    "cm": 2.4,
    "mm": 0.24,
    "in": 6,
    "pc": 1,
    "bp": 0.1,
}
# Children of an element that sets scripts: what they stand at, then the scripts.
_SCRIPTED = {"msub": 2, "msup": 2, "msubsup": 3}
# Names whose limits stand below them where there is room, beside what the converter marks so itself.
_WITH_LIMITS = {"lim", "sup", "inf", "max", "min"}
_BELOW = {"msub": "munder", "msubsup": "munderover"}
_LINES = ("solid", "dashed")
_ESCAPED = re.compile(r"\\([%$#&_{}])")
_LENGTHS = {
    *("width", "height", "depth", "voffset", "lspace", "rspace", "minsize", "maxsize", "mathsize"),
    *("linethickness", "rowspacing", "columnspacing"),
}


@functools.lru_cache(maxsize=512)
def formula_html(source: str, display: bool) -> str:
    """Return MathML for the TeX `source`, or `<code class="math-source">` with it when it cannot be read.

    `display` sets it as a block of its own. The result still goes through the sanitiser.
    """
    if len(source) <= MAX_SOURCE and not _FORBIDDEN.search(source):
        try:
            return _mathml(source, "block" if display else "inline")
        except Exception:  # the converter raises all kinds on half-written input, RecursionError included
            pass
    return f'<code class="math-source">{html.escape(source)}</code>'


def _mathml(source: str, display: str) -> str:
    tree = _converter()(display=display).convert_to_element(tex.reworded(source))
    for element in list(tree.iter()):
        _limit_lengths(element)
        _keep_what_it_holds(element)
        _write_signs(element)
        _set_limits_below(element)
        _rule_table(element)
        _one_base(element)
        _space_after_functions(element)
    # The converter writes some characters as entities in its text, and the serialiser escapes them again.
    return tostring(tree, encoding="unicode").replace("&amp;#", "&#")


@functools.cache
def _converter() -> Any:
    # Imported on first use: 6 MB of memory that most conversations never need.
    with budget.uncounted():
        from latex2mathml.converter import Converter

    return Converter


@functools.cache
def _symbols() -> dict[str, str]:
    from latex2mathml.symbols_parser import SYMBOLS

    return SYMBOLS


def _limit_lengths(element: Element) -> None:
    for name in _LENGTHS.intersection(element.attrib):
        for number, unit in _LENGTH.findall(element.attrib[name]):
            if abs(float(number)) * _EM[unit or "em"] > MAX_LENGTH:
                del element.attrib[name]
                break


def _keep_what_it_holds(element: Element) -> None:
    # `\mathop{…}` puts elements into one that may hold text alone: they would be removed with their text.
    if element.tag in ("mi", "mo") and len(element):
        element.tag = "mrow"


def _write_signs(element: Element) -> None:
    # The converter leaves the command for a bracket of a given size, and escapes in text, as they are.
    text = element.text or ""
    if element.tag == "mtext":
        element.text = _ESCAPED.sub(r"\1", text)
    elif element.tag == "mo" and text.startswith("\\") and text in _symbols():
        element.text = chr(int(_symbols()[text], 16))


def _set_limits_below(element: Element) -> None:
    # In a line of text `movablelimits` puts them beside the name again.
    if element.tag in _BELOW and len(element) and element[0].tag == "mo":
        name = element[0]
        if name.text in _WITH_LIMITS:
            name.set("movablelimits", "true")
        if name.get("movablelimits") == "true":
            element.tag = _BELOW[element.tag]


def _rule_table(element: Element) -> None:
    # Browsers do not draw what a table says of its lines: each cell and row says it, for the style sheet.
    if element.tag == "mtable":
        columns, rows = (element.get(name, "").split() for name in ("columnlines", "rowlines"))
        for row, below in zip_longest(element, rows[: len(element)]):
            if below in _LINES:
                row.set("rowlines", below)
            for cell, beside in zip(row, columns, strict=False):
                if beside in _LINES:
                    cell.set("columnlines", beside)


def _one_base(element: Element) -> None:
    # The converter puts a script at a bracketed matrix beside brackets and matrix, which no browser draws.
    extra = len(element) - _SCRIPTED.get(element.tag, len(element))
    if extra > 0:
        base = Element("mrow")
        base.extend(element[: extra + 1])
        element[: extra + 1] = [base]


def _space_after_functions(row: Element) -> None:
    # The converter sets "log n" as "logn"; TeX puts a thin space there.
    for index in range(len(row) - 2, -1, -1):
        if (
            row.tag in ("mrow", "mtd", "mstyle", "math")
            and _is_function(row[index])
            and row[index + 1].tag not in ("mo", "mspace")
        ):
            row.insert(index + 1, Element("mspace", {"width": "0.1667em"}))


def _is_function(element: Element) -> bool:
    if element.tag in ("msub", "msup", "msubsup", "munder", "munderover") and len(element):
        element = element[0]
    name = element.text or ""
    return element.tag in ("mi", "mo") and len(name) > 1 and name.isascii() and name.isalpha()

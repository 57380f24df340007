"""The last step of every rendering: one allow-list, applied to the finished HTML of one block."""

from __future__ import annotations

import nh3
from pygments.token import STANDARD_TYPES

_PROSE = """
a blockquote br code del div em figcaption figure h3 h4 h5 h6 hr input li ol p pre s span strong
table tbody td th thead tr ul button
"""
_MATH = """
math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt
mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none
"""
# No href: `\href{javascript:…}` puts one on <mrow>. No style, class or colour either (dependencies P4).
_MATH_ATTRIBUTES = """
accent accentunder columnalign columnlines columnspacing columnspan depth display displaystyle fence form
height largeop linethickness lspace mathsize mathvariant maxsize minsize movablelimits notation rowalign
rowlines rowspacing rowspan rspace scriptlevel separator stretchy symmetric voffset width
"""
_DROPPED_WHOLE = "script style iframe object template noscript title textarea svg"
_ALERTS = ("note", "tip", "important", "warning", "caution")
_ALIGNMENT = {"align-left", "align-center", "align-right"}

_CLEANER = nh3.Cleaner(
    tags={*_PROSE.split(), *_MATH.split()},
    clean_content_tags=set(_DROPPED_WHOLE.split()),
    attributes={
        **dict.fromkeys(_MATH.split(), set(_MATH_ATTRIBUTES.split())),
        "a": {"href", "target"},
        "div": {"tabindex"},
        "input": {"aria-label"},
        "ol": {"start"},
        "pre": {"tabindex"},
    },
    tag_attribute_values={
        "blockquote": {"dir": {"rtl"}},
        "button": {"type": {"button"}},
        "div": {"dir": {"rtl"}, "role": {"group"}, "aria-label": {"Table"}},
        "input": {"type": {"checkbox"}, "checked": {""}, "disabled": {""}},
        "ol": {"dir": {"rtl"}},
        "th": {"scope": {"col"}},
        "ul": {"dir": {"rtl"}},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes={
        "button": {"code__wrap", "code__copy"},
        "code": {"math-source"},
        "div": {"table", "math", "alert", *(f"alert--{kind}" for kind in _ALERTS)},
        "figure": {"code", "code--long", "code--open"},
        "li": {"task"},
        "ol": {"tasks"},
        "p": {"alert__title", "plain"},
        "span": {"code__language", "image", "link__host", *filter(None, STANDARD_TYPES.values())},
        "td": _ALIGNMENT,
        "th": _ALIGNMENT,
        "ul": {"tasks"},
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer",
)


def sanitise(html: str) -> str:
    """Return `html` with everything outside the allow-list removed."""
    return _CLEANER.clean(html)

"""TeX said in other words, where the converter would not understand the usual ones. Used by `mathml`."""

from __future__ import annotations

import re

# A name for references, which nothing here can follow.
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
_ARG = re.compile(r"\\arg(?![A-Za-z])")
# It takes letters only for a name: `\operatorname*{arg\,max}` became a star and letters in italics.
_OPERATOR = re.compile(r"(\\operatorname(?:\*|withlimits)?\s*\{)([^{}]*)\}")
_SPACE = re.compile(r"\\[,;:! ]|~")
# One letter in an upright font is read as a letter of its own, and drawn in italics; not so after a space.
_UPRIGHT = re.compile(r"\\mathrm\{")
# `\text` keeps its dollars, `\hbox` reads what stands between them.
_TEXT_WITH_FORMULA = re.compile(r"\\text\{(?=[^{}$]*\$[^{}]*\})")


def reworded(source: str) -> str:
    """Return the TeX `source` in words that the converter reads as TeX means them."""
    source = _ARG.sub(r"\\operatorname{arg}", _LABEL.sub("", source))
    source = _OPERATOR.sub(lambda found: f"{found[1]}{_SPACE.sub('', found[2])}}}", source)
    return _TEXT_WITH_FORMULA.sub(r"\\hbox{", _UPRIGHT.sub(r"\\mathrm {", source))

"""TeX said in other words, where the converter would not understand the usual ones. Used by `mathml`."""

from __future__ import annotations

import re

# Of these it would show the marks of columns and drop the ends of lines. What they are written as here:
_ENVIRONMENTS = {
    "aligned": ("\\begin{split}", "\\end{split}"),
    "alignedat": ("\\begin{split}", "\\end{split}"),
    "alignat": ("\\begin{align*}", "\\end{align*}"),
    "flalign": ("\\begin{align*}", "\\end{align*}"),
    "eqnarray": ("\\begin{array}{rcl}", "\\end{array}"),
    "gather": ("\\begin{matrix}", "\\end{matrix}"),
    "gathered": ("\\begin{matrix}", "\\end{matrix}"),
    "multline": ("\\begin{matrix}", "\\end{matrix}"),
    "dcases": ("\\begin{cases}", "\\end{cases}"),
    "rcases": ("\\left.\\begin{array}{ll}", "\\end{array}\\right\\}"),
}
_ENVIRONMENT = re.compile(rf"\\(begin|end)\s*\{{({'|'.join(_ENVIRONMENTS)})\*?\}}(?:\s*\[[tcb]\])?")
_COLUMNS = re.compile(r"(\\begin\s*\{align(?:ed)?at\*?\})\s*\{[^{}]*\}")
# Lines around a table or drawn twice, which would be counted as lines between its columns and rows.
_HEAD = re.compile(r"(\\begin\s*\{array\}\s*\{)([^{}]*)\}(?:\s*\\hline)*")
_FOOT = re.compile(r"(?:\\hline\s*)+(\\end\s*\{array\}|\\hline)")
# How much more room there is to be between two lines.
_LINE_GAP = re.compile(r"(\\\\)\s*\[\s*-?[\d.]{1,8}\s*[a-z]{2}\s*\]")
# A name for references, which nothing here can follow.
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
# No line has a number but those of `align`.
_NO_NUMBER = re.compile(r"\\(?:nonumber|notag)(?![A-Za-z])")
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
    source = _ENVIRONMENT.sub(
        lambda found: _ENVIRONMENTS[found[2]][found[1] == "end"], _COLUMNS.sub(r"\1", source)
    )
    source = _FOOT.sub(r"\1", _HEAD.sub(_head, _LINE_GAP.sub(r"\1", source)))
    if "\\tag" in source:
        # A line would have its own number and the one that it is counted by.
        source = source.replace("{align}", "{align*}")
    if "\\begin{align}" not in source:
        source = _NO_NUMBER.sub("", source)
    source = _ARG.sub(r"\\operatorname{arg}", _LABEL.sub("", source))
    source = _OPERATOR.sub(lambda found: f"{found[1]}{_SPACE.sub('', found[2])}}}", source)
    return _TEXT_WITH_FORMULA.sub(r"\\hbox{", _UPRIGHT.sub(r"\\mathrm {", source))


def _head(found: re.Match[str]) -> str:
    columns = "|".join(filter(None, found[2].replace(" ", "").split("|")))
    return f"{found[1]}{columns}}}"

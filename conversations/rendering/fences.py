"""Fenced code in Markdown, line by line (CommonMark, 4.5). Used by exports and by `inert`."""

from __future__ import annotations

import re

LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
# Its indent, its marks, and what follows them.
FENCE = re.compile(r"( {0,3})(`{3,}+(?!.*`)|~{3,})(.*)")
# Other white space makes no line empty.
BLANK = " \t\r\n"


def closes(fence: re.Match[str] | None, marks: str) -> bool:
    """Whether this match of FENCE ends the code that these marks began."""
    return fence is not None and fence[2].startswith(marks) and not fence[3].strip(BLANK)


def left_open(text: str) -> str:
    """The marks of the code that the text does not end, as where an answer broke off; "" where there is none.

    A fence further in belongs to a list, and ends with it.
    """
    marks = ""
    for line in LINE.findall(text):
        fence = FENCE.match(line)
        if marks:
            marks = "" if closes(fence, marks) else marks
        elif fence is not None and not fence[1]:
            marks = fence[2]
    return marks

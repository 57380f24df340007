"""Markdown that loads nothing wherever it is opened: a picture becomes a link, a tag of HTML the words it is made
of, as on our own pages (promises MD20). Code stays as it is. Used for exports, which other programs show.

Programs read some Markdown differently, and each in much time where a text is hostile. So nothing is parsed: what
all of them take for code is found line by line, and in everything else nothing is left that could be a picture or
a tag.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator

from markdown_it.common.html_re import close_tag, open_tag

from .fences import BLANK, FENCE, LINE, closes

_LIVE = re.compile(
    # Escapes and addresses stay, but for addresses with a backtick, which would be no end of code then.
    r"(?P<kept>\\[\s\S]|<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>`]*>|<[\w.+-]+@[\w.-]+>)"
    r"|!(?=\[)|<(?=[!?])|(?<![^\s>])<(?=[A-Za-z/])|<(?=[^\s<>`]*`[^\s<>]*>)"
    rf"|(?={open_tag}|{close_tag})<"
)
_MAY_BE_LIVE = re.compile(r"!\[|<[A-Za-z/!?]")
_NESTED_FENCE = re.compile(r"[\s>*+\-\d.)]*(?:```|~~~)")
_TICKS = re.compile(r"`+")
_OPENER = re.compile(r"\\[\s\S]|(`+)")
_UNDER_TABLE_HEAD = re.compile(r"^[ \t\r>|:-]+$", re.MULTILINE)

Span = tuple[int, int]


def inert(text: str) -> str:
    """The text, with a backslash before whatever would load or run something."""
    if not _MAY_BE_LIVE.search(text):
        return text
    return "".join(part if is_code else _marked(part) for part, is_code in _parts(text))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces: fenced code, and what stands between (at most up to the next empty line)."""
    lines: list[str] = LINE.findall(text)
    words: list[str] = []
    code: list[str] = []
    opened: re.Match[str] | None = None
    # A fence inside a list or a quotation may be open, which only its own container knows to end.
    nested = False
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if _is_ambiguous(line, fence, opened, nested):
            words += code + lines[number:]
            code = []
            break
        if opened is not None:
            code.append(line)
            if closes(fence, opened[2]):
                yield "".join(code), True
                opened, code = None, []
        elif fence is not None:
            yield "".join(words), False
            opened, words, code, nested = fence, [], [line], False
        else:
            words.append(line)
            nested = bool(_NESTED_FENCE.match(line)) or (nested and line[0].isspace())
            if not line.strip(BLANK):
                yield "".join(words), False
                words = []
    yield "".join(words), False
    yield "".join(code), True


def _is_ambiguous(line: str, fence: re.Match[str] | None, opened: re.Match[str] | None, nested: bool) -> bool:
    """Whether some programs may see code from here on where others see none."""
    if opened is None:
        # The head of a table, or the end of a fence inside a list.
        return fence is not None and ("|" in fence[3] or (nested and fence[1] != ""))
    indented = len(line) - len(line.lstrip(" "))
    # A fence that is indented stands by itself or in a list, which ends where a line is indented less.
    is_outside = indented < len(opened[1])
    is_deep_end = indented > 3 and line.lstrip(" \t").startswith(opened[2])
    return bool(opened[1] and line.strip(BLANK)) and (is_outside or is_deep_end)


def _marked(words: str) -> str:
    code = _code_in(words)
    starts = [start for start, _ in code]

    def mark(found: re.Match[str]) -> str:
        before = bisect_right(starts, found.start()) - 1
        is_code = before >= 0 and found.start() < code[before][1]
        return found[0] if found["kept"] or is_code else f"\\{found[0]}"

    return _LIVE.sub(mark, words)


def _code_in(words: str) -> list[Span]:
    """The code spans, if each stays on its line (in its cell, where there may be a table): then it does not matter
    where a paragraph begins. None otherwise.
    """
    found = _spans(words)
    borders = re.compile(r"[\r\n|]" if _UNDER_TABLE_HEAD.search(words) else r"[\r\n]")
    return [] if any(borders.search(words, *span) for span in found) else found


def _spans(words: str) -> list[Span]:
    """What stands between two runs of equally many backticks (CommonMark, 6.1)."""
    runs: dict[int, list[int]] = defaultdict(list)
    for run in _TICKS.finditer(words):
        runs[len(run[0])].append(run.start())
    found: list[Span] = []
    at = 0
    while opener := _OPENER.search(words, at):
        at = opener.end()
        same = runs.get(len(opener[1] or ""), [])
        if (place := bisect_left(same, at)) < len(same):
            at = same[place] + len(opener[1])
            found.append((opener.start(), at))
    return found

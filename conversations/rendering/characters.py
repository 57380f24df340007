"""Makes characters that hide, reorder or pile up visible, one for one, before a text is parsed."""

from __future__ import annotations

import functools
import re
import unicodedata

REPLACEMENT = "\ufffd"
MAX_MARKS = 4
"""Combining marks kept on one base character; real scripts need three, zalgo text a hundred."""

_FLAGS = (
    "\U0001f3f4(?:"
    + "|".join(
        "".join(chr(0xE0000 + ord(letter)) for letter in region) for region in ("gbeng", "gbsct", "gbwls")
    )
    + ")\U000e007f"
)

# What a reader cannot see: control characters, invisible fillers, noncharacters, and the bidirectional
# controls that let text read in another order than it is stored (promises MD08, MD17, MD19).
_NEVER_SHOWN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u202a-\u202e\u2065-\u206f\u3164\ufdd0-\ufdef\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# Where most fonts draw nothing at all: the default ignorable code points, fillers and empty signs.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# Beside them: white space, and control and format characters.
_BLANK_CATEGORIES = {"Cf", "Cc", "Zs", "Zl", "Zp"}
_ZERO_WIDTH = "\u00ad\u034f\u200b-\u200d\u2060-\u2064\ufeff"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_SUSPECT = re.compile(f"[{_NEVER_SHOWN}{_ZERO_WIDTH}{_SELECTORS}]")
# Tag characters and needless variation selectors: a second text can be written in them (promises MD19).
_CARRIERS = (
    "[\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    f"|(?<=[{_SELECTORS}A-Za-z])[{_SELECTORS}]"
    f"|(?<![{_IDEOGRAPHS}])[\U000e0100-\U000e01ef]"
)
_MESSAGE = re.compile(f"(?P<flag>{_FLAGS})|(?:{_CARRIERS})+")
_HIDDEN = re.compile(f"(?P<flag>{_FLAGS})|[{_NEVER_SHOWN}]+|[{_ZERO_WIDTH}]{{2,}}|(?:{_CARRIERS})+")
_MARK_SCRIPTS = re.compile(
    "[\u0300-\u1fff\u20d0-\u20ff\u2cef-\u2dff\u302a-\u3099\ua66f-\uabff\ufb1e\ufe20-\ufe2f\U00010000-\U0001efff]"
    f"{{{MAX_MARKS + 1}}}"
)
_RUN = re.compile(f"{REPLACEMENT}{{2,}}")


def visible(text: str) -> str:
    """Return `text` with every hidden character replaced by one that shows, at the same place.

    The length in code points does not change, so that positions in the result are positions in `text`.
    Control characters become their pictures (ESC: U+241B), the rest becomes U+FFFD.
    """
    if _SUSPECT.search(text):
        text = _HIDDEN.sub(_show, text)
    if not text.isascii() and _MARK_SCRIPTS.search(text):
        text = _piled_marks().sub(_contain, text)
    return text


def mark_hidden(text: str) -> str:
    """Return `text` with one U+FFFD in place of each message that is hidden in it; else it stays as it is."""
    return _MESSAGE.sub(lambda match: match["flag"] or REPLACEMENT, text) if _SUSPECT.search(text) else text


def collapse(html: str) -> str:
    """Shorten each run of U+FFFD to one: a hidden message is shown as present, not at full length."""
    return _RUN.sub(REPLACEMENT, html) if REPLACEMENT * 2 in html else html


def without_unseen(text: str) -> str:
    """Return `text` without the characters that leave no trace on a page."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def is_blank(text: str) -> bool:
    """Tell whether a reader would see nothing of `text`."""
    return all(unicodedata.category(character) in _BLANK_CATEGORIES for character in without_unseen(text))


def _show(match: re.Match[str]) -> str:
    if match["flag"]:
        return match["flag"]
    return "".join(chr(0x2400 + ord(c)) if "\0" < c < " " else REPLACEMENT for c in match[0])


def _contain(match: re.Match[str]) -> str:
    return match[0][:MAX_MARKS] + REPLACEMENT * (len(match[0]) - MAX_MARKS)


@functools.cache
def _piled_marks() -> re.Pattern[str]:
    marks = "".join(
        character
        for character in map(chr, range(0x300, 0x1F000))
        if unicodedata.category(character) in ("Mn", "Me")
    )
    return re.compile(f"[{marks}]{{{MAX_MARKS + 1},}}")

"""The sources of an answer as footnotes of Markdown. Used by `export`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from urllib.parse import quote

from ..models import Message
from .citations import Citation, Citations

_OWN = re.compile(r"\[\^(\d{1,6})\]")
# After these a mark would be part of the block, or keep it from ending.
_BLOCK_END = re.compile(r"(```|~~~|\$\$|\|)$")
_OF_ADDRESSES = "!#$%&'()*+,/:;=?@[]~"
_MEANS_SOMETHING = re.compile(r"([\\`*\[\]<>&~$|#^]|(?<=\])\(|(?<!\w)_|_(?!\w))")


class Footnotes:
    """Those of one document: marks while it is written, and the notes for its end."""

    def __init__(self, conversation: uuid.UUID, messages: Iterable[Message]) -> None:
        self._sources = Citations(conversation)
        # Answers may have footnotes of their own: ours count on.
        self._first = max((int(number) for row in messages for number in _OWN.findall(row.text)), default=0)

    def marked(self, message: Message) -> str:
        """The text of the message with a mark after each passage that has a source."""
        parts: list[str | None] = []
        for block in message.content:
            if block.get("type") != "text":
                parts.append(None)
                continue
            text = block.get("text") or ""
            marks = "".join(f"[^{self._number(one)}]" for one in self._sources.of(block))
            body = text.rstrip() if marks else text
            between = "\n\n" if marks and _BLOCK_END.search(body) else ""
            parts.append(body + between + marks + text[len(body) :])
        return _in_paragraphs(parts)

    def notes(self) -> str:
        """A line for each source; empty when there are none."""
        lines = [f"[^{self._number(one)}]: {_note(one)}\n" for one in self._sources.found]
        return "\n" + "".join(lines) if lines else ""

    def _number(self, source: Citation) -> int:
        return self._first + source.number


def plain(text: str) -> str:
    """What people, documents and the web name, on one line, in which no Markdown counts."""
    return _MEANS_SOMETHING.sub(r"\\\1", " ".join(text.split()))


def _in_paragraphs(texts: Iterable[str | None]) -> str:
    """Those in a row read as one (messages-api 4.4). A None stands for thinking or a tool: what is said before and
    after it are paragraphs of their own.
    """
    joined, parted = "", False
    for text in texts:
        if text is None:
            parted = True
        elif parted and joined and text.strip():
            joined, parted = joined.rstrip() + "\n\n" + text.lstrip("\r\n"), False
        else:
            joined += text
    return joined


def _note(source: Citation) -> str:
    quoted = [f"“{plain(source.quote)}” —"] if source.quote else []
    facts = [plain(source.title)]
    if source.place:
        facts.append(source.place[:1].lower() + source.place[1:])
    if source.url:
        facts.append(f"<{quote(source.url, safe=_OF_ADDRESSES)}>")
    return " ".join([*quoted, ", ".join(facts)])

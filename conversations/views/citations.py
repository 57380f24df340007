"""The sources of an answer (messages-api 4.4) as the transcript shows them: numbered marks in the text, and for each a
panel with the quoted passage and its place in our own copy. Used by `transcript`, `snapshot`, `passages`, `footnotes`.

A cited answer arrives as several text blocks in a row, which read as one text.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from ..attachments.kinds import is_text
from ..attachments.sending import referred
from ..models import Attachment, Conversation, Message
from ..rendering import links
from ..rendering.characters import visible

_SHOWN_TITLE = 200
_SHOWN_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Citation:
    """What `_citation.html` reads. `url` leads to our own copy or to the web page; empty: neither.

    `passage` is where to fetch the surroundings of the quotation: the `characters` of our copy, which is a text.
    """

    number: int
    anchor: str
    title: str
    place: str
    quote: str
    url: str
    file: Attachment | None
    characters: tuple[int, int] | None
    passage: str


class CitedFiles(NamedTuple):
    """Our copies of documents that answers cite. `documents` are the ids of those that the request for each answer had,
    in their order; only where names alone do not tell.
    """

    named: list[Attachment]
    documents: dict[uuid.UUID, list[str]]


def cited_files(conversation: Conversation, messages: list[Message]) -> CitedFiles:
    """What these neighbours on one branch, oldest first, cite; no query when they cite nothing."""
    titles = {
        _text(told.get("document_title"))
        for message in messages
        for block in message.content
        for told in _told(block)
    } - {""}
    named = list(conversation.attachments.filter(name__in=titles)) if titles else []
    copies = {(file.name, file.original_id) for file in named}
    is_plain = len(copies) == len({file.name for file in named})
    return CitedFiles(named, {} if is_plain else _documents_before(messages))


def _documents_before(messages: list[Message]) -> dict[uuid.UUID, list[str]]:
    found, so_far = {}, list[str]()
    for message in [*Message.objects.path(messages[0].parent_id, related=()), *messages]:
        found[message.pk] = list(so_far)
        so_far += _documents_in(message)
    return found


def _documents_in(message: Message) -> list[str]:
    """Ids of the documents with which a message goes into requests; those that an answer has fetched have none."""
    if message.role == Message.Role.USER:
        kept = [
            block for block in message.content if block.get("type") == "document" and not block.get("omitted")
        ]
        return referred(kept)
    results = [
        block.get("content") for block in message.content if block.get("type") == "web_fetch_tool_result"
    ]
    return ["" for result in results if isinstance(result, dict) and result.get("type") == "web_fetch_result"]


class Citations:
    """The sources of a message, or of an exported conversation, numbered in the order of their marks; equal ones share
    a number.
    """

    def __init__(self, message: uuid.UUID, files: CitedFiles | None = None) -> None:
        self.found: list[Citation] = []
        self._message = message
        self._numbers: dict[tuple[str, ...], Citation] = {}
        documents = files.documents.get(message, []) if files is not None else []
        self._places = {id: place for place, id in enumerate(documents)}
        self._files: dict[str, list[Attachment]] = {}
        for file in files.named if files is not None else ():
            self._files.setdefault(file.name, []).append(file)

    def of(self, block: dict[str, Any]) -> list[Citation]:
        """The sources of a text block, each once."""
        return list(dict.fromkeys(self._citation(told) for told in _told(block)))

    def marks(self, block: dict[str, Any]) -> SafeString:
        """The marks of a text block, one for each source; empty when it cites nothing."""
        return mark_safe("".join(map(_mark, self.of(block))))  # noqa: S308 (each made by format_html)

    def _citation(self, told: dict[str, Any]) -> Citation:
        named = (_text(told.get(name)) for name in ("document_title", "title", "source", "url"))
        title = next(filter(None, named), "")
        file = self._file(title, told.get("document_index"))
        page = _web_address(told.get("url")) or _web_address(told.get("source"))
        url = reverse("attachment", args=[file.pk]) if file is not None else page
        place, quote = _place(told), _text(told.get("cited_text"))
        key = (title, url, place, quote)
        if key not in self._numbers:
            number = len(self.found) + 1
            characters = _characters(told) if file is not None and is_text(file.media_type) else None
            self._numbers[key] = Citation(
                number=number,
                anchor=f"source-{self._message}-{number}",
                title=visible(title[:_SHOWN_TITLE]) or "A source without a title",
                place=place,
                quote=visible(quote),
                url=url,
                file=file,
                characters=characters,
                passage=self._passage(file, number) if file is not None and characters else "",
            )
            self.found.append(self._numbers[key])
        return self._numbers[key]

    def _file(self, title: str, index: object) -> Attachment | None:
        same = self._files.get(title, [])
        if len({file.original_id for file in same}) > 1:
            # Of different documents of one name their place in the request tells which is meant (messages-api 4.4).
            same = [file for file in same if self._places.get(str(file.pk), -1) == index]
        return same[0] if same else None

    def _passage(self, file: Attachment, number: int) -> str:
        return reverse("message-source", args=[file.conversation_id, self._message, number])


def runs(content: list[dict[str, Any]]) -> list[list[tuple[int, dict[str, Any]]]]:
    """The blocks with their indices; those of a text that was split for its sources together."""
    found: list[list[tuple[int, dict[str, Any]]]] = []
    for of_text, group in groupby(enumerate(content), lambda one: one[1].get("type") == "text"):
        run = list(group)
        is_cited = of_text and any(block.get("citations") for _, block in run)
        found += [run] if is_cited else [[one] for one in run]
    return found


def joined(pieces: list[tuple[str, list[str], SafeString]]) -> list[SafeString]:
    """The HTML of neighbouring text blocks (source, HTML of its parts, marks) as one text: a sentence that was split
    for its source stays one paragraph.
    """
    result: list[str] = []
    before = ""
    for source, parts, marks in pieces:
        rest = [part.rstrip("\n") for part in parts]
        same_paragraph = not before.endswith("\n") and not source.startswith("\n")
        if rest and result and same_paragraph and _is_paragraph(result[-1]) and _is_paragraph(rest[0]):
            space = " " if before[-1:].isspace() or source[:1].isspace() else ""
            opening = rest[0].index(">") + 1
            result[-1] = result[-1].removesuffix("</p>") + space + rest.pop(0)[opening:]
        result += rest
        if marks:
            if result and _is_paragraph(result[-1]):
                result[-1] = result[-1].removesuffix("</p>") + marks + "</p>"
            else:
                result.append(f"<p>{marks}</p>")
        before = source
    return [mark_safe(part) for part in result]  # noqa: S308 (made by rendering and format_html)


def _told(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The citation objects of a block, as the provider sent them: they may be anything."""
    cited = block.get("citations")
    return [told for told in cited if isinstance(told, dict)] if isinstance(cited, list) else []


def _is_paragraph(html: str) -> bool:
    return html.startswith(("<p>", "<p ")) and html.endswith("</p>")


def _mark(citation: Citation) -> SafeString:
    act = mark_safe(' data-act="source"') if citation.passage else ""
    return format_html(
        '<button type="button" class="citation" popovertarget="{}"{} aria-label="Source {}: {}" title="{}">{}</button>',
        citation.anchor, act, citation.number, citation.title, citation.quote[:_SHOWN_QUOTE], citation.number,
    )  # fmt: skip


def _place(told: dict[str, Any]) -> str:
    """Where in the source, as people count: from 1, both ends included."""
    match told.get("type"):
        case "char_location":
            return _range("Character", told.get("start_char_index"), told.get("end_char_index"), 0)
        case "page_location":
            return _range("Page", told.get("start_page_number"), told.get("end_page_number"), 1)
        case "content_block_location" | "search_result_location":
            return _range("Part", told.get("start_block_index"), told.get("end_block_index"), 0)
    return ""


def _characters(told: dict[str, Any]) -> tuple[int, int] | None:
    start, end = told.get("start_char_index"), told.get("end_char_index")
    if told.get("type") != "char_location" or type(start) is not int or type(end) is not int:
        return None
    return (start, end) if 0 <= start < end else None


def _range(noun: str, start: object, end: object, first: int) -> str:
    """`start` counts from `first`; `end` is exclusive."""
    if type(start) is not int or type(end) is not int or not first <= start < end:
        return ""
    begin, last = start - first + 1, end - first
    return f"{noun} {begin}" if begin == last else f"{noun}s {begin}–{last}"


def _web_address(url: object) -> str:
    return (
        url if isinstance(url, str) and url.startswith(("http://", "https://")) and links.allowed(url) else ""
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

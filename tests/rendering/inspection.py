"""Reads rendered HTML with a parser of its own and names everything in it that could act. Used by the tests here."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

_MATH = (
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt "
    "mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none"
)
_PROSE = (
    "a blockquote br button code del div em figcaption figure h3 h4 h5 h6 hr input li ol p pre s span strong "
    "table tbody td th thead tr ul"
)
MATH, PROSE = set(_MATH.split()), set(_PROSE.split())
VOID = {"br", "hr", "input"}
ATTRIBUTES = {
    "a": {"href", "rel", "target"},
    "blockquote": {"dir"},
    "button": {"class", "type"},
    "code": {"class"},
    "div": {"class", "dir", "tabindex", "role", "aria-label"},
    "figure": {"class"},
    "input": {"type", "checked", "disabled", "aria-label"},
    "li": {"class"},
    "ol": {"class", "dir", "start"},
    "p": {"class"},
    "pre": {"tabindex"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class", "scope"},
    "ul": {"class", "dir"},
}
NEVER = (
    "on",
    "style",
    "id",
    "name",
    "src",
    "action",
    "formaction",
    "background",
    "xlink",
    "xmlns",
    "poster",
    "data",
)


class Inspector(HTMLParser):
    """Collects `faults` (what must not be there), `links` (href, text) and `text`."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()
        if self._open:
            self.faults.append(f"not closed: {self._open}")

    @property
    def text(self) -> str:
        return "".join(self._text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in PROSE | MATH:
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            self._check(tag, name, value or "")
        if tag == "a":
            found = dict(attrs)
            if found.get("rel") != "noopener noreferrer" or found.get("target") != "_blank":
                self.faults.append("a link that can reach its opener")
            self.links.append((found.get("href") or "", ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"{tag} closed out of turn")

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        if "a" in self._open and self.links:
            href, text = self.links[-1]
            self.links[-1] = href, text + data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data}")

    def _check(self, tag: str, name: str, value: str) -> None:
        if name.startswith(NEVER):
            self.faults.append(f"attribute {name} on {tag}")
        elif tag in MATH:
            if name == "href" or name.startswith("data"):
                self.faults.append(f"attribute {name} on {tag}")
        elif name not in ATTRIBUTES.get(tag, ()):
            self.faults.append(f"attribute {name} on {tag}")
        if name == "href":
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https", "mailto"):
                self.faults.append(f"link to {value}")
            if parts.scheme != "mailto" and not parts.netloc:
                self.faults.append(f"link without a host {value}")


def faults(blocks: list[str]) -> list[str]:
    """Everything wrong in each block taken alone: a page inserts them one by one."""
    return [fault for block in blocks for fault in Inspector(block).faults]

"""Which addresses become links, and when the real host is named beside one."""

from __future__ import annotations

import itertools
import re
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from .addresses import as_seen, claimed_hosts
from .characters import REPLACEMENT, visible

_WEB = re.compile(r"https?://(?:(?P<user>[^/?#]*)@)?(?P<host>[^/?#@\s\\]+)", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[^\s?@]+@[^\s?@]+(?:\?|$)", re.IGNORECASE)

# Address characters for text without markup; brackets, quotes, dashes of a sentence and full-width punctuation end an
# address.
_ADDRESS = r"[^\s<>\[\]\"`\\|“”„«»—…\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\ufffd]"
_AFTER_SCHEME = re.compile(rf"://(?=\w){_ADDRESS}{{1,2000}}")
# A letter that an address cannot begin after; scripts without spaces between words have none.
_LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff]"
_BARE = re.compile(
    rf"(?<!{_LETTER})(?<![.@/+-])(?:(?P<www>www\.(?=\w){_ADDRESS}{{1,2000}})"
    r"|(?P<mail>[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}))"
)
# Before a scheme these make it part of something longer: `blob:https://…`, `ms-word:ofe|u|https://…`.
_INSIDE = tuple(":|/.@+-")
_ENTITY = re.compile(r"&[A-Za-z0-9]+;$")

# As much text beside a link as the eye may read together with it; a host has at most 253 characters.
BESIDE = 600
_GLUE = "".join(map(chr, range(0x21, 0x7F)))


def allowed(url: str) -> bool:
    """Tell whether `url` (already normalised) may become a link: http, https and mailto, never relative."""
    return bool(_WEB.match(url) or _MAIL.match(url))


def host(url: str) -> str:
    """Return the host (with port) that an allowed `url` leads to, or the mail address."""
    match = _WEB.match(url)
    return match["host"] if match else unquote(url[7:].partition("?")[0])


def note(url: str, text: str, before: str = "", after: str = "") -> str:
    """Return the host to show beside a link whose `text` could mislead about its target, else ``""``.

    Misleading: the text, alone or with what stands right `before` and `after` it, reads like another address;
    the URL has a user part or an internationalised host; the text held hidden characters (promises MD08).
    """
    real = host(url)
    match = _WEB.match(url)
    if match and (match["user"] is not None or not real.isascii() or "xn--" in real.lower()):
        return real
    if REPLACEMENT in visible(text):
        return real
    words = as_seen(text)
    if not match:  # a mail address that is the target itself may be read as nothing else
        words = words.replace(real.casefold(), " ")
    claims = [name for name, _, _ in claimed_hosts(words)]
    before, after = as_seen(before), as_seen(after)
    before = before[len(before.rstrip(_GLUE)) :]
    after = after[: len(after) - len(after.lstrip(_GLUE))]
    if before or after:
        first, end = len(before), len(before) + len(words)
        found = claimed_hosts(before + words + after)
        claims += [name for name, start, stop in found if start < end and stop > first]
    return "" if all(_same_site(claim, real) for claim in claims) else real


def _same_site(shown: str, real: str) -> bool:
    real = real.casefold().rpartition("@")[2].removeprefix("www.")
    shown = shown.removeprefix("www.")
    return real == shown or real.endswith("." + shown)


def trim(address: str) -> str:
    """Drop trailing punctuation from a bare address the way GitHub does (GFM, autolinks extension)."""
    while address:
        last = address[-1]
        if last in "?!.,:*_~'‘’‹›":
            address = address[:-1]
        elif last == ";":
            address = (
                _ENTITY.sub("", address[-40:]).join((address[:-40], ""))
                if _ENTITY.search(address[-40:])
                else address[:-1]
            )
        elif last == ")" and address.count(")") > address.count("("):
            address = address[:-1]
        else:
            break
    return address


def web_address(state: StateInline, silent: bool) -> bool:
    """Inline rule: web addresses in running text; runs at the colon and takes the scheme back."""
    if silent or state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    pending = state.pending
    scheme = next((name for name in ("https", "http") if pending.endswith(name)), "")
    before = pending[-len(scheme) - 1 : -len(scheme)]
    if (
        not scheme
        or re.match(_LETTER, before)
        or before in _INSIDE
        or not (match := _AFTER_SCHEME.match(state.src, state.pos, state.posMax))
    ):
        return False
    rest = trim(match[0])
    url = normalizeLink(scheme + rest)
    if not allowed(url):
        return False
    state.pending = pending[: -len(scheme)]
    _push_link(state, url, scheme + rest)
    state.pos += len(rest)
    return True


def _push_link(state: StateInline, url: str, text: str) -> None:
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": url}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)


def finish(children: list[Token]) -> list[Token]:
    """Return the inline tokens with bare `www.` and mail addresses linked and the host notes worked out."""
    if any(child.type == "text" and ("@" in child.content or "www." in child.content) for child in children):
        children = _link_bare(children)
    if not any(child.type == "link_open" for child in children):
        return children
    shown = [_shown(child) for child in children]
    ends = list(itertools.accumulate(map(len, shown)))
    text = "".join(shown)
    opening: Token | None = None
    first = 0
    for child, end in zip(children, ends, strict=True):
        if child.type == "link_open":
            opening, first = child, end
        elif child.type == "link_close" and opening is not None:
            url = str(opening.attrs["href"])
            if allowed(url):
                words = text[first:end]
                beside = text[max(0, first - BESIDE) : first], text[end : end + BESIDE]
                empty = not as_seen(words).strip()
                child.meta = {"note": note(url, words, *beside), "empty": empty, "host": host(url)}
            else:  # `[x]()`: the one way to a link that `allowed` has not seen
                child.hidden = opening.hidden = True
            opening = None
        elif child.type == "image" and opening is not None:
            child.meta = {"linked": True}
    return children


def _shown(token: Token) -> str:
    """What a reader sees of an inline token; a formula may be drawn as anything."""
    if token.type == "image":
        words = "".join(_shown(child) for child in token.children or ())
        return f" {words} ({host(str(token.attrs['src']))}) "
    if token.type == "formula":
        return REPLACEMENT
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def _link_bare(children: list[Token]) -> list[Token]:
    result: list[Token] = []
    inside = False
    for child in children:
        inside = child.type == "link_open" or (inside and child.type != "link_close")
        if child.type == "text" and not inside:
            result += _split(child)
        else:
            result.append(child)
    return result


def _split(token: Token) -> list[Token]:
    parts: list[Token] = []
    text, done = token.content, 0
    for match in _BARE.finditer(text):
        shown = trim(match[0])
        url = normalizeLink(("http://" if match["www"] else "mailto:") + shown)
        if "." not in shown or shown.endswith("-") or not allowed(url):
            continue
        start = match.start()
        parts.append(Token("text", "", 0, content=text[done:start]))
        parts.append(Token("link_open", "a", 1, attrs={"href": url}))
        parts.append(Token("text", "", 0, content=shown))
        parts.append(Token("link_close", "a", -1))
        done = start + len(shown)
    parts.append(Token("text", "", 0, content=text[done:]))
    return parts


def install(md: MarkdownIt) -> None:
    """Add the address rules to `md`: what may be a link, and bare web addresses."""
    md.validateLink = allowed  # type: ignore[method-assign]
    md.inline.ruler.after("text", "web_address", web_address)

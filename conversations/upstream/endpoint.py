"""Where a provider answers and how it wants to be spoken to; built from a provider's settings, used by every
request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx

from .dialects import DIALECTS, Dialect

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PATH = re.compile(r"[A-Za-z0-9._~%/-]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SHORTEST_KEY = 8  # characters; the name of an authentication scheme is shorter
_PASTED_MESSAGES_PATHS = ("/v1/messages", "/messages", "/v1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One upstream: dialect (one of DIALECTS), base URL as an administrator typed it, key, version header value.

    Raises ValueError with a plain sentence for an unknown dialect, a base URL that is not plain http(s), or a
    key or a version that no header can carry.
    """

    dialect: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    version: str = "2023-06-01"
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.dialect not in DIALECTS:
            raise ValueError(f"Unknown dialect {self.dialect!r}. Choose one of: {', '.join(DIALECTS)}.")
        object.__setattr__(self, "base_url", normalise_base_url(self.base_url, self.dialect))
        key = self.api_key.strip()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("The key holds characters that no key has. Copy it again.")
        object.__setattr__(self, "api_key", key)
        if not (self.version.isascii() and self.version.isprintable()):
            raise ValueError("The version holds characters that no header can carry.")
        for name, value in self.extra_headers.items():
            if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ValueError("An extra header has a name or a value that no request can carry.")

    @property
    def service(self) -> Dialect:
        """What this kind of upstream takes and gives."""
        return DIALECTS[self.dialect]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: the key, and the values of foreign extra headers, which may be keys too. Also their
        longer words by themselves: of `Bearer KEY` an upstream may repeat the key alone.
        """
        foreign = [
            value for name, value in self.extra_headers.items() if not name.lower().startswith("anthropic-")
        ]
        words = (word for value in foreign for word in value.split() if len(word) >= _SHORTEST_KEY)
        return tuple(dict.fromkeys((self.api_key, *foreign, *words)))

    @property
    def version_sent(self) -> str:
        """The version that requests name, and whose rules hold for them; "" where the dialect has none."""
        return self.version if self.service.has_versions else ""

    @property
    def url(self) -> str:
        """The address of create-message (messages-api section 1)."""
        return self.base_url + ("/chat/completions" if self.service.is_chat else "/v1/messages")

    def headers(self) -> dict[str, str]:
        """Request headers with exactly one credential; `identity`, because a compressed answer could be a bomb."""
        headers = {name.lower(): value for name, value in self.extra_headers.items()}
        headers["content-type"] = "application/json"
        headers["accept-encoding"] = "identity"
        headers["user-agent"] = "chatsite"
        if self.version_sent:
            headers["anthropic-version"] = self.version_sent
        if self.api_key:
            headers.pop("authorization", None)
            headers.pop("x-api-key", None)
            name = self.service.key_header
            headers[name] = self.api_key if name == "x-api-key" else f"Bearer {self.api_key}"
        return headers


def normalise_base_url(base_url: str, dialect: str) -> str:
    """The base URL without trailing slash or a pasted route; an empty one becomes the dialect's default.

    Messages dialects lose a pasted `/v1` or `/v1/messages`; `openai_chat` keeps (or gets) its `/v1` (section
    1). Raises ValueError.
    """
    text = base_url.strip()
    if dialect == "demo":
        return ""
    if not text:
        text = DIALECTS[dialect].base_url
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("The base URL is not an address.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The base URL must begin with http:// or https:// and name a host.")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("The base URL must not hold a user, a query or a fragment.")
    if (
        len(text) > 1000
        or not text.isprintable()
        or not _HOST.fullmatch(parts.hostname)
        or not _PATH.fullmatch(parts.path)
    ):
        raise ValueError("The base URL holds characters that no address has.")
    path = parts.path.rstrip("/")
    if DIALECTS[dialect].is_chat:
        path = path.removesuffix("/chat/completions").rstrip("/") or "/v1"
    else:
        for pasted in _PASTED_MESSAGES_PATHS:
            if path.endswith(pasted):
                path = path.removesuffix(pasted).rstrip("/")
                break
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    url = urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", path, "", ""))
    if not _is_readable(url):
        raise ValueError("The base URL is not an address.")
    return url


def _is_readable(url: str) -> bool:
    """Whether the client that connects can read it: of hosts such as 0177.0.0.1 it says with errors of its own, and
    only then, that it cannot.
    """
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


def guess_dialect(base_url: str) -> str:
    """The dialect that an address speaks, by its host name; `anthropic` where nothing tells."""
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "anthropic"
    if parts.path.rstrip("/").endswith("/chat/completions"):
        return "openai_chat"
    if _is_host(host, "rockapi.ru"):
        return "rockapi"
    if _is_host(host, "aimlapi.com"):
        return "aimlapi"
    if _is_host(host, "openai.com"):
        return "openai_chat"
    if _is_host(host, "ollama.com") or port == 11434:
        return "ollama"
    return "anthropic"


def service_at(base_url: str) -> str:
    """The dialect of the service at an address, also where it is asked for Chat Completions there."""
    return guess_dialect(base_url.partition("/chat/completions")[0])


def _is_host(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)

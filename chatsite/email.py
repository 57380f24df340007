"""EMAIL_URL as Django's settings of outgoing mail, and its sender. Used by `settings`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.mail.message import sanitize_address

_PORTS = {"smtp": 25, "smtps": 465, "smtp+tls": 587}


def settings_of(url: str) -> dict[str, Any]:
    """`smtp://`, `smtps://` (TLS at once) or `smtp+tls://` (STARTTLS), each `user:password@host:port`; or
    `console:`.

    Without an address nothing is sent. Raises ValueError when the address is none of these.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    # What follows the port would be left out in silence, a wish for TLS like `?tls=true` among it.
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or "?" in url or "#" in url:
        raise ValueError
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    # smtplib sends nothing else.
    if not (user + password).isascii():
        raise ValueError
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_TIMEOUT": 10,
    }


def is_sender(text: str) -> bool:
    """Whether mail can come from there: `chat@example.com` or `Chat <chat@example.com>`, as Django sends it."""
    try:
        return "@" in sanitize_address(text, "utf-8")
    except (ValueError, TypeError):
        return False

"""The only reader of the environment. `settings` and `limits` ask it; it collects every problem before it
speaks.
"""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http.request import split_domain_port

from . import address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Environment:
    """Typed look-ups of variables. A wrong value is remembered in `problems` and its default used until
    `check`.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self.names: list[str] = []
        self.secret_names: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """The variable without surrounding space; an empty one counts as unset."""
        self.names.append(name)
        value = self._environ.get(name, "").strip()
        try:
            value.encode()
        except UnicodeEncodeError:
            # Python carries such bytes along, up to the page or column that cannot be written with them.
            self.problems.append(f"{name} holds bytes that are no UTF-8.")
            return default
        return value or default

    def secret(self, name: str, default: str = "") -> str:
        """The variable, or the first line of the file that `NAME_FILE` points to."""
        return self.password(name).strip() or default

    def password(self, name: str) -> str:
        """As `secret`, with the spaces around it: they are part of what a person types."""
        self.secret_names.append(name)
        value = self._environ.get(name, "").strip("\r\n") if self.text(name) else ""
        written = self._first_line(name)
        if value and written:
            self.problems.append(f"{name} and {name}_FILE are both set; keep one of them.")
        return value or written

    def _first_line(self, name: str) -> str:
        """What the file of a secret holds; an empty one counts as unset."""
        path = self._environ.get(f"{name}_FILE", "").strip()
        if not path:
            return ""
        try:
            # Some editors begin a file with a byte order mark, which is no part of the secret.
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            self.problems.append(f"{name}_FILE points to {path}, which cannot be read as text.")
            return ""
        return next((line for line in lines if line.strip()), "")

    def number(self, name: str, default: float, *, least: float = 0, most: float = math.inf) -> float:
        """A finite number from `least` to `most`."""
        raw = self.text(name)
        if not raw:
            return default
        try:
            value = float(raw)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least:
            self.problems.append(f"{name} must be a number of {least:g} or more, not “{raw}”.")
            return default
        if value > most:
            self.problems.append(f"{name} must be {most:,.0f} at most, not “{raw}”.")
            return default
        return value

    def integer(self, name: str, default: int, *, least: int = 0, most: float = 1e15) -> int:
        """A whole number from `least` to `most`, which a database and a float can hold."""
        value = self.number(name, default, least=least, most=most)
        if value != int(value):
            self.problems.append(f"{name} must be a whole number, not {value}.")
            return default
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of `choices`, or empty."""
        value = self.text(name)
        if value and value not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}, not “{value}”.")
            return ""
        return value

    def words(self, name: str) -> list[str]:
        """A list separated by commas."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        """An absolute address without its last slash."""
        value = self.text(name).rstrip("/")
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            self.problems.append(_not_an_address(name, schemes))
            return ""
        return parts.geturl()  # its scheme in lower case, which others compare

    def origin(self, name: str) -> str:
        """The address of a whole site, written as browsers write an origin."""
        value = self.url(name, ("http", "https"))
        parts = urlsplit(value)
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            self.problems.append(
                f"{name} must be scheme and host alone, for example https://chat.example.com."
            )
            return ""
        if not value.isascii():
            self.problems.append(f"{name} must name the host as browsers send it, in ASCII (xn--…).")
            return ""
        # Django refuses whatever it cannot split, and so every request to such a site.
        if value and not split_domain_port(parts.netloc)[0]:
            self.problems.append(
                f"{name} must name one host as browsers send it, for example https://chat.example.com."
            )
            return ""
        return value and address.origin_of(value)

    def secret_url(self, name: str, schemes: tuple[str, ...]) -> str:
        """As `secret`, an address; which host it needs is known to the service."""
        value = self.secret(name)
        try:
            parts = urlsplit(value)
            usable = bool(parts.netloc or parts.path) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        usable = usable and value.startswith(tuple(f"{scheme}://" for scheme in schemes))
        if value and not usable:
            self.problems.append(_not_an_address(name, schemes))
            return ""
        return value

    def networks(self, name: str) -> list[Network]:
        """Addresses or networks (10.0.0.0/8) separated by commas."""
        found: list[Network] = []
        for word in self.words(name):
            try:
                found.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                self.problems.append(f"{name} must hold addresses or networks; “{word}” is neither.")
        return found

    def check(self) -> None:
        """Raises ImproperlyConfigured with every problem, one a line, if there is any."""
        if self.problems:
            raise ImproperlyConfigured(
                "The environment needs a correction:\n" + "\n".join(f"  - {p}" for p in self.problems)
            )


def _not_an_address(name: str, schemes: tuple[str, ...]) -> str:
    return f"{name} must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}."


env = Environment(os.environ)

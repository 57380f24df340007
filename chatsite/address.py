"""Under which names the site answers: allowed hosts and full origins. Used by `settings` and by `start`."""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
_DEFAULT_PORTS = {"http": 80, "https": 443}


def bracketed(host: str) -> str:
    """The host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def origin_of(url: str) -> str:
    """`scheme://host[:port]` as a browser writes it: lower case, without a default port."""
    parts = urlsplit(url)
    host = bracketed(parts.hostname or "")
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def allowed_hosts(public_url: str, host: str) -> list[str]:
    """The host of the public address alone; without one the loopback names and the `--host` of `start`."""
    if public_url:
        return [bracketed(urlsplit(public_url).hostname or "")]
    return list(dict.fromkeys([*LOOPBACK, bracketed(host)]))


def origins(public_url: str, host: str, port: int) -> list[str]:
    """Origins from which forms and websockets are accepted."""
    if public_url:
        return [origin_of(public_url)]
    return [origin_of(f"http://{name}:{port}") for name in allowed_hosts("", host)]


def host_of(url: str) -> str:
    """The name in an address, without port and brackets."""
    return urlsplit(url).hostname or ""


def is_loopback(url: str) -> bool:
    return bracketed(host_of(url)) in LOOPBACK

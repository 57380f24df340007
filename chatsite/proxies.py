"""What a reverse proxy says about the client, believed only when it comes from a trusted address. Wraps the
ASGI app.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from .env import Network
from .handler import Receive, Scope, Send

_FORWARDED = (
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"forwarded",
    b"x-real-ip",
)


class TrustedProxies:
    """Puts the client's own address, scheme and host into the scope; removes the headers that said so."""

    def __init__(self, application: Any, networks: Sequence[Network]) -> None:
        self._application = application
        self._networks = networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name in _FORWARDED for name, _ in scope.get("headers", ())):
            scope = self._rewritten(scope)
        await self._application(scope, receive, send)

    def _trusts(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self._networks if network.version == mapped.version)

    def _rewritten(self, scope: Scope) -> Scope:
        said: dict[bytes, str] = {}
        headers: list[tuple[bytes, bytes]] = []
        for name, value in scope["headers"]:
            if name in _FORWARDED:
                text = value.decode("latin1")
                said[name] = f"{said[name]},{text}" if name in said else text
            else:
                headers.append((name, value))
        scope = {**scope, "headers": headers}
        client = scope.get("client")
        if not client or not self._trusts(client[0]):
            return scope
        for hop in reversed(said.get(b"x-forwarded-for", "").split(",")):
            # The nearest hop that is no proxy of ours is the client; what stands before it, it may have
            # made up.
            if not _is_address(hop.strip()):
                break
            scope["client"] = [hop.strip(), 0]
            if not self._trusts(hop.strip()):
                break
        proto = said.get(b"x-forwarded-proto", "").split(",")[-1].strip().lower()
        if proto in ("http", "https"):
            secure = proto == "https"
            scope["scheme"] = ("wss" if secure else "ws") if scope["type"] == "websocket" else proto
        host = said.get(b"x-forwarded-host", "").split(",")[-1].strip()
        if host:
            scope["headers"] = [pair for pair in headers if pair[0] != b"host"] + [
                (b"host", host.encode("latin1"))
            ]
        return scope


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

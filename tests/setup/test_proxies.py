from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from chatsite.proxies import TrustedProxies

TRUSTED = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]


async def seen(client: str, *, kind: str = "http", **headers: str) -> dict[str, Any]:
    """The scope that the application gets."""
    found: dict[str, Any] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        found.update(scope)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": kind,
        "scheme": "http",
        "client": [client, 1],
        "headers": [(b"host", b"inner"), *pairs],
    }
    await TrustedProxies(application, TRUSTED)(scope, None, None)  # type: ignore[arg-type]
    found["names"] = dict(found["headers"])
    return found


FORWARDED = {"x_forwarded_for": "1.2.3.4", "x_forwarded_proto": "https", "x_forwarded_host": "outer"}


async def test_a_trusted_proxy_is_believed() -> None:
    scope = await seen("10.1.1.1", **FORWARDED)
    assert (scope["client"][0], scope["scheme"], scope["names"]) == ("1.2.3.4", "https", {b"host": b"outer"})


@pytest.mark.parametrize("client", ["11.1.1.1", "192.168.0.1", "::2", "unix"])
async def test_anybody_else_is_not_and_the_headers_are_gone(client: str) -> None:
    scope = await seen(client, **FORWARDED, x_real_ip="9.9.9.9", forwarded="for=9.9.9.9")
    assert (scope["client"][0], scope["scheme"], scope["names"]) == (client, "http", {b"host": b"inner"})


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.2.2.2", "1.2.3.4"),
        ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("6.6.6.6, nonsense, 10.2.2.2", "10.2.2.2"),
        ("nonsense", "10.1.1.1"),
        ("", "10.1.1.1"),
    ],
)
async def test_the_nearest_address_that_is_no_proxy_is_the_client(chain: str, client: str) -> None:
    assert (await seen("10.1.1.1", x_forwarded_for=chain))["client"][0] == client


async def test_an_ipv4_proxy_seen_over_ipv6_is_the_same_proxy() -> None:
    assert (await seen("::ffff:10.1.1.1", **FORWARDED))["client"][0] == "1.2.3.4"


async def test_a_websocket_keeps_its_kind_of_scheme() -> None:
    assert (await seen("10.1.1.1", kind="websocket", **FORWARDED))["scheme"] == "wss"


async def test_an_unknown_scheme_changes_nothing() -> None:
    assert (await seen("10.1.1.1", x_forwarded_proto="javascript"))["scheme"] == "http"


async def test_without_such_headers_the_scope_is_passed_on_as_it_is() -> None:
    assert (await seen("10.1.1.1"))["client"] == ["10.1.1.1", 1]

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chatsite import address


def test_without_a_public_address_the_loopback_names_and_the_host_are_allowed() -> None:
    assert address.allowed_hosts("", "192.168.1.5") == ["127.0.0.1", "localhost", "[::1]", "192.168.1.5"]
    assert address.allowed_hosts("", "::1") == ["127.0.0.1", "localhost", "[::1]"]


def test_the_public_address_decides_alone() -> None:
    assert address.allowed_hosts("https://chat.example.com/x", "127.0.0.1") == ["chat.example.com"]
    assert address.origins("https://chat.example.com", "127.0.0.1", 8000) == ["https://chat.example.com"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert address.is_loopback(f"http://{host}:8080/realm")
    assert not address.is_loopback(f"http://{host.strip('[]').replace(':', 'x')}.evil.example/")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Chat.Example.com:443/path", "https://chat.example.com"),
        ("http://chat.example.com:80", "http://chat.example.com"),
        ("http://chat.example.com:443", "http://chat.example.com:443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert address.origin_of(url) == origin


def test_origins_name_the_port() -> None:
    assert address.origins("", "127.0.0.1", 8001) == [
        "http://127.0.0.1:8001",
        "http://localhost:8001",
        "http://[::1]:8001",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "localhost", "[::1]", "[::1]:8000"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_on_this_machine_is_answered_whatever_the_public_address(
    client: Client, settings: Any, db: None, host: str, path: str
) -> None:
    """Also on port 80, which no client names."""
    settings.PUBLIC_URL = "https://chat.example.com"
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": host}).status_code == 200
    assert client.get("/accounts/login/", headers={"host": host}).status_code == 400

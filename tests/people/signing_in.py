"""Ann's password, and what asks for it."""

from __future__ import annotations

from django.test import Client

PASSWORD = "correct horse battery"


def signed_in(**address: str) -> Client:
    """A new browser, at this address (SERVER_NAME, SERVER_PORT), that has given Ann's password."""
    client = Client(**address)
    assert client.post("/accounts/login/", {"login": "ann", "password": PASSWORD}).status_code == 302
    return client


def confirmed(client: Client) -> Client:
    """The same browser after the password was asked for again, as changes of protection need it."""
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client

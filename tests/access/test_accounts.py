"""Which pages of accounts open without signing in: these and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from conversations.urls import urlpatterns as CHAT
from tests.world import Person

# Signing in, and what leads there; `mfa_authenticate` and others send who has not begun back to the form.
OPEN = {
    "account_login", "account_signup", "account_inactive", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done", "account_confirm_email",
    "account_email_verification_sent", "account_confirm_login_code", "account_logout", "mfa_authenticate",
    "mfa_login_webauthn", "oidc-begin", "oidc-callback", "healthz", "readyz", "metrics", "setup",
}  # fmt: skip
FILLED: dict[str, Any] = {"key": "k", "uidb36": "1", "pk": 1, "token": "t"}


@dataclass(frozen=True)
class Address:
    """A pattern outside the chat and the admin, with the names that its path must be filled with."""

    name: str
    wanted: frozenset[str]

    @property
    def path(self) -> str:
        return reverse(self.name, kwargs={name: FILLED[name] for name in self.wanted})


def addresses(
    patterns: list[URLPattern | URLResolver], above: frozenset[str] = frozenset()
) -> Iterator[Address]:
    for pattern in patterns:
        wanted = above | set(pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLPattern):
            if pattern.name and pattern not in CHAT:
                yield Address(pattern.name, wanted)
        elif pattern.app_name != "admin":
            yield from addresses(pattern.url_patterns, wanted)


ADDRESSES = list(addresses(get_resolver().url_patterns))


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
def test_without_signing_in_only_these_open(address: Address) -> None:
    answer = Client().get(address.path)
    asked_to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next=")
    assert asked_to_sign_in is (address.name not in OPEN), answer.status_code


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
def test_none_of_them_fails_for_somebody_who_is_signed_in(address: Address, alice: Person) -> None:
    assert alice.get(address.path, HTTP_ACCEPT="text/html").status_code < 500

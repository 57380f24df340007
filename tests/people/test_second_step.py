"""Signing in with a second step: the app's code or a recovery code, kept encrypted and recorded; a person's devices."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from conversations.models import AuditEvent, User
from conversations.models.encryption import _fernet
from tests.world import JSON, Person

from .signing_in import PASSWORD, confirmed, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=PASSWORD)


@pytest.fixture
def sign_in(ann: User) -> Callable[[], Client]:
    return signed_in


def code(secret: str, periods_ago: int = 0) -> str:
    """What an authenticator app shows now, or showed so long ago; each code works once."""
    cache.clear()
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 - periods_ago))


@pytest.fixture
def secret(sign_in: Callable[[], Client], django_capture_on_commit_callbacks: Any) -> str:
    """The secret of Ann's app, after she has turned the second step on."""
    client = confirmed(sign_in())
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r"<code>([A-Z2-7]+)</code>", page)
    assert found is not None
    assert "<svg" in page
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/accounts/2fa/totp/activate/", {"code": code(found[1])}).status_code == 302
    return found[1]


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_the_password_alone_no_longer_signs_in(secret: str, sign_in: Callable[[], Client]) -> None:
    client = sign_in()
    assert not is_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not is_in(client)
    assert client.post("/accounts/2fa/authenticate/", {"code": code(secret)}).status_code == 302
    assert is_in(client)


# The app's clock is half a minute ahead, so that its code stays good should the half minute end just now.
@pytest.mark.parametrize(("periods_ago", "works"), [(-1, True), (3, False)])
def test_a_code_of_the_neighbouring_half_minute_counts_and_an_old_one_does_not(
    secret: str, sign_in: Callable[[], Client], periods_ago: int, works: bool
) -> None:
    client = sign_in()
    client.post("/accounts/2fa/authenticate/", {"code": code(secret, periods_ago)})
    assert is_in(client) is works


def test_a_recovery_code_works_once(secret: str, ann: User, sign_in: Callable[[], Client]) -> None:
    row = Authenticator.objects.get(user=ann, type="recovery_codes")
    first, *others = row.wrap().get_unused_codes()
    for used, works in ((first, True), (first, False), (others[0], True)):
        client = sign_in()
        client.post("/accounts/2fa/authenticate/", {"code": used})
        assert is_in(client) is works


def test_a_wrong_code_does_not_turn_it_on(sign_in: Callable[[], Client], ann: User) -> None:
    client = confirmed(sign_in())
    client.get("/accounts/2fa/totp/activate/")
    assert client.post("/accounts/2fa/totp/activate/", {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.filter(user=ann).exists()


def test_a_program_is_refused_in_json(secret: str, sign_in: Callable[[], Client]) -> None:
    client = sign_in()
    steps: list[tuple[str, dict[str, str]]] = [
        ("authenticate", {"code": "000000"}), ("authenticate", {}), ("authenticate", {"code": code(secret)}),
    ]  # fmt: skip
    answers = [client.post(f"/accounts/2fa/{path}/", given, **JSON) for path, given in steps]
    assert [answer.status_code for answer in answers] == [400, 400, 302]
    assert answers[0].json()["error"] == {"type": "invalid_request", "message": "Code: Incorrect code."}
    assert is_in(client)
    wrong = client.post("/accounts/reauthenticate/", {"password": "wrong"}, **JSON)
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (400, "invalid_request")
    page = client.get("/accounts/reauthenticate/", **JSON)
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_its_owner_turns_it_off(secret: str, ann: User, sign_in: Callable[[], Client]) -> None:
    client = sign_in()
    client.post("/accounts/2fa/authenticate/", {"code": code(secret)})
    assert client.post("/accounts/2fa/totp/deactivate/")["Location"].startswith("/accounts/reauthenticate/")
    assert Authenticator.objects.filter(user=ann).exists()
    confirmed(client)
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.filter(user=ann).exists()
    assert is_in(sign_in())


def test_secrets_are_encrypted_and_rotated(secret: str, ann: User, settings: object) -> None:
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    old = settings.FIELD_ENCRYPTION_KEYS  # type: ignore[attr-defined]
    fresh = "x" * 43 + "="
    settings.FIELD_ENCRYPTION_KEYS = [fresh, *old]  # type: ignore[attr-defined]
    codes = Authenticator.objects.get(user=ann, type="recovery_codes").wrap().get_unused_codes()
    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = [fresh]  # type: ignore[attr-defined]
    assert Authenticator.objects.get(user=ann, type="recovery_codes").wrap().get_unused_codes() == codes
    stored = Authenticator.objects.get(user=ann, type="totp").data["secret"]
    assert _fernet((fresh,)).decrypt(stored.encode()).decode() == secret


def test_a_second_step_of_a_lost_secret_is_refused_with_what_helps(
    secret: str, sign_in: Callable[[], Client], settings: Any
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    client = sign_in()
    refused = client.post("/accounts/2fa/authenticate/", {"code": code(secret)})
    assert (refused.status_code, b"Ask your administrator" in refused.content) == (503, True)
    refused = client.post("/accounts/2fa/authenticate/", {"code": code(secret)}, **JSON)
    assert refused.json()["error"]["type"] == "secret_lost"
    assert not is_in(client)


def test_every_step_is_on_the_record(secret: str, ann: User, sign_in: Callable[[], Client]) -> None:
    client = sign_in()
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    client.post("/accounts/2fa/authenticate/", {"code": code(secret)})
    confirmed(client).post("/accounts/2fa/totp/deactivate/")
    acts = list(AuditEvent.objects.order_by("pk").values_list("act", flat=True))
    assert acts == [
        "signed_in", "second_factor_added", "second_factor_added", "sign_in_failed", "signed_in",
        "second_factor_removed", "second_factor_removed",
    ]  # fmt: skip
    assert secret not in json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_an_administrator_takes_it_away_and_nobody_else_does(
    secret: str, ann: User, administrator: Person, bob: Person, sign_in: Callable[[], Client]
) -> None:
    path = f"/people/{ann.pk}/act/"
    assert bob.post(path, {"act": "second-step"}).status_code == 404
    assert "Turn it off" in administrator.get(f"/people/{ann.pk}/", HTTP_ACCEPT="text/html").content.decode()
    assert administrator.post(path, {"act": "second-step"}).status_code == 200
    assert is_in(sign_in())
    assert AuditEvent.objects.filter(actor=administrator.user, act="second_factor_removed").count() == 1
    assert administrator.post(path, {"act": "second-step"}).status_code == 400


def test_other_browsers_are_listed_and_signed_out(ann: User, sign_in: Callable[[], Client]) -> None:
    here, there, unlisted = sign_in(), sign_in(), Client()
    # Made with Django's own API, as programs of the workspace may do: no device was noted.
    unlisted.force_login(ann)
    UserSession.objects.filter(session_key=unlisted.session.session_key).delete()
    assert "This browser" in here.get("/accounts/sessions/").content.decode()
    assert here.post("/accounts/sessions/").status_code == 302
    assert is_in(here)
    assert not is_in(there)
    assert not is_in(unlisted)


def test_nobody_else_sees_the_devices_of_a_person(ann: User, sign_in: Callable[[], Client]) -> None:
    sign_in()
    other = Client(headers={"user-agent": "Other"})
    User.objects.create_user("bob", password=PASSWORD)
    other.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    page = other.get("/accounts/sessions/").content.decode()
    assert page.count("<li>") == 1


def test_a_right_code_forgives_no_failures_for_other_accounts(
    secret: str, sign_in: Callable[[], Client]
) -> None:
    mine = code(secret)
    for number in range(settings.LOGIN_FAILURES_PER_ADDRESS):
        Client().post("/accounts/login/", {"login": f"nobody{number}", "password": "wrong"})
        if number == 10:
            client = sign_in()
            client.post("/accounts/2fa/authenticate/", {"code": mine})
            assert is_in(client)
    refused = Client()
    refused.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert refused.get("/accounts/2fa/authenticate/").status_code == 302, "the address is over its limit"

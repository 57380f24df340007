"""Passkeys: added, named, removed and used, alone and as a second step; only at the site's own address."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from conversations.models import AuditEvent, User
from tests.world import Person

from .passkey import Passkey
from .signing_in import PASSWORD, confirmed, signed_in

pytestmark = pytest.mark.django_db
# The one that passkeys belong to.
AT = {"SERVER_NAME": "localhost", "SERVER_PORT": "8000"}
ADD, STEP, ALONE = (
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/authenticate/",
    "/accounts/2fa/webauthn/login/",
)
JSON = {"HTTP_ACCEPT": "application/json"}


def browser() -> Client:
    return Client(**AT)


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=PASSWORD)


@pytest.fixture
def sign_in(ann: User) -> Callable[[], Client]:
    return partial(signed_in, **AT)


def asked(client: Client, path: str, kind: str) -> dict[str, Any]:
    """What the page tells its script to ask the browser for."""
    found = re.search(
        r'<script id="js_data" type="application/json">(.*?)</script>', client.get(path).content.decode()
    )
    assert found is not None
    options: dict[str, Any] = json.loads(found[1])[kind]
    return options


def add(client: Client, key: Passkey, **fields: str) -> int:
    options = asked(client, ADD, "creation_options")
    return client.post(ADD, {"passwordless": "on", "credential": key.made(options), **fields}).status_code


def use_alone(client: Client, key: Passkey) -> Client:
    options = client.get(ALONE, **JSON).json()["request_options"]
    client.post(ALONE, {"credential": key.used(options)})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.fixture
def key(sign_in: Callable[[], Client], django_capture_on_commit_callbacks: Any) -> Passkey:
    """Ann's passkey, added by her."""
    made = Passkey()
    with django_capture_on_commit_callbacks(execute=True):
        assert add(confirmed(sign_in()), made, name="My phone") == 302
    return made


def test_it_signs_in_alone_and_needs_no_second_step(key: Passkey) -> None:
    assert is_in(use_alone(browser(), key))


def test_the_password_alone_no_longer_signs_in(key: Passkey, sign_in: Callable[[], Client]) -> None:
    client = sign_in()
    assert not is_in(client)
    other = Passkey()
    assert (
        client.post(STEP, {"credential": other.used(asked(client, STEP, "request_options"))}).status_code
        == 200
    )
    assert not is_in(client)
    client.post(STEP, {"credential": key.used(asked(client, STEP, "request_options"))})
    assert is_in(client)


def test_a_recovery_code_stands_in_for_it(key: Passkey, ann: User, sign_in: Callable[[], Client]) -> None:
    codes = Authenticator.objects.get(user=ann, type="recovery_codes").wrap().get_unused_codes()
    client = sign_in()
    client.post(STEP, {"code": codes[0]})
    assert is_in(client)


def test_an_answer_counts_once(key: Passkey) -> None:
    client = browser()
    answer = key.used(client.get(ALONE, **JSON).json()["request_options"])
    client.post(ALONE, {"credential": answer})
    assert is_in(client)
    client.post("/accounts/logout/")
    client.post(ALONE, {"credential": answer})
    assert not is_in(client)


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://localhost:8001", "localhost"), ("https://localhost:8000", "localhost"),
     ("http://evil.localhost:8000", "localhost"), ("http://localhost:8000", "evil.example")],
)  # fmt: skip
def test_another_origin_or_name_is_refused(
    key: Passkey, sign_in: Callable[[], Client], origin: str, host: str
) -> None:
    key.origin, key.host = origin, host
    assert not is_in(use_alone(browser(), key))


def test_the_name_comes_of_the_public_address_and_of_no_header(
    settings: Any, sign_in: Callable[[], Client]
) -> None:
    settings.PUBLIC_URL = "https://chat.example.com:8443"
    settings.WEBSOCKET_ORIGINS = ["https://chat.example.com:8443"]
    settings.ALLOWED_HOSTS = ["*"]
    client = browser()
    options = client.get(ALONE, **JSON, HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example").json()
    assert options["request_options"]["publicKey"]["rpId"] == "chat.example.com"
    signed_in = confirmed(sign_in())
    assert add(signed_in, Passkey("https://evil.chat.example.com:8443", "chat.example.com")) == 200
    assert add(signed_in, Passkey("https://chat.example.com:8443", "chat.example.com")) == 302


def test_without_verification_of_the_person_it_is_no_way_in_alone(
    sign_in: Callable[[], Client], ann: User
) -> None:
    key = Passkey()
    key.verified = False
    client = confirmed(sign_in())
    assert add(client, key) == 200
    assert not Authenticator.objects.filter(user=ann).exists()
    options = asked(client, ADD, "creation_options")
    assert client.post(ADD, {"credential": key.made(options)}).status_code == 302
    assert not is_in(use_alone(browser(), key))


def test_a_deactivated_person_stays_out(key: Passkey, ann: User) -> None:
    User.objects.update(is_active=False)
    client = use_alone(browser(), key)
    assert not is_in(client)
    assert "deactivated" in client.get("/accounts/inactive/").content.decode()


@pytest.mark.parametrize(
    "credential",
    ["", "null", "5", "[]", "{}", '"x"', '{"id": 5}', '{"response": []}', "[" * 5000,
     '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"AA","authenticatorData":"AA",'
     '"signature":"AA","userHandle":"AA"}}',
     '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}'],
)  # fmt: skip
def test_what_is_no_answer_of_a_browser_is_refused_plainly(
    key: Passkey, sign_in: Callable[[], Client], credential: str
) -> None:
    client = sign_in()
    client.get(ALONE, **JSON)
    assert client.post(ALONE, {"credential": credential}).status_code == 302
    client.get(STEP)
    assert client.post(STEP, {"credential": credential}).status_code == 200
    assert not is_in(client)


def test_failures_count_for_the_address_and_successes_do_not(key: Passkey, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ADDRESS = 3
    for _ in range(5):
        assert is_in(use_alone(browser(), key))
    for _ in range(3):
        assert not is_in(use_alone(browser(), Passkey()))
    assert not is_in(use_alone(browser(), key))
    assert AuditEvent.objects.filter(act="sign_in_failed").count() == 3
    cache.clear()
    assert is_in(use_alone(browser(), key))


def test_so_many_ways_in_are_begun_from_one_address(key: Passkey, settings: Any) -> None:
    settings.SIGN_INS_BEGUN_PER_MINUTE = 4
    for _ in range(2):
        assert is_in(use_alone(browser(), key))
    assert browser().get(ALONE, **JSON).status_code == 429
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert browser().post("/accounts/oidc/").status_code == 429
    elsewhere = Client(SERVER_NAME="localhost", REMOTE_ADDR="10.0.0.2")
    assert elsewhere.get(ALONE, **JSON).status_code == 200


def test_it_is_renamed_and_removed_by_its_owner_alone(
    key: Passkey, ann: User, bob: Person, sign_in: Callable[[], Client]
) -> None:
    row = Authenticator.objects.get(user=ann, type="webauthn")
    edit, remove = (f"/accounts/2fa/webauthn/keys/{row.pk}/{act}/" for act in ("edit", "remove"))
    User.objects.filter(pk=bob.user.pk).update(password=ann.password)
    stranger = browser()
    stranger.post("/accounts/login/", {"login": "bob", "password": PASSWORD})
    confirmed(stranger)
    assert {stranger.post(path, {"name": "Mine"}).status_code for path in (edit, remove)} == {404}
    client = confirmed(use_alone(browser(), key))
    assert "My phone" in client.get("/accounts/2fa/webauthn/").content.decode()
    assert client.post(edit, {"name": "\u202e\n "}).status_code == 200
    assert client.post(edit, {"name": "<b>Old</b>\nphone"}).status_code == 302
    assert "&lt;b&gt;Old&lt;/b&gt; phone" in client.get("/accounts/2fa/webauthn/").content.decode()
    assert client.post(remove).status_code == 302
    assert not Authenticator.objects.filter(user=ann).exists(), "recovery codes go with the last second step"
    assert not is_in(use_alone(browser(), key))


def test_changes_ask_who_one_is(key: Passkey, ann: User) -> None:
    row = Authenticator.objects.get(user=ann, type="webauthn")
    client = use_alone(browser(), key)
    for path in (ADD, f"/accounts/2fa/webauthn/keys/{row.pk}/remove/"):
        assert client.post(path, {"credential": "{}"})["Location"].startswith("/accounts/reauthenticate/")
    ways = client.get("/accounts/reauthenticate/?next=/account/").content.decode()
    assert "Use a passkey" in ways
    confirm = "/accounts/2fa/webauthn/reauthenticate/"
    client.post(confirm, {"credential": key.used(asked(client, confirm, "request_options"))})
    assert client.get(ADD).status_code == 200


def test_every_act_is_on_the_record(key: Passkey, ann: User) -> None:
    client = confirmed(use_alone(browser(), key))
    row = Authenticator.objects.get(user=ann, type="webauthn")
    client.post(f"/accounts/2fa/webauthn/keys/{row.pk}/edit/", {"name": "Work"})
    client.post(f"/accounts/2fa/webauthn/keys/{row.pk}/remove/")
    use_alone(browser(), key)
    acts = list(AuditEvent.objects.order_by("pk").values_list("act", flat=True))
    assert acts == [
        "signed_in", "second_factor_added", "second_factor_added", "signed_in", "passkey_renamed",
        "second_factor_removed", "second_factor_removed", "sign_in_failed",
    ]  # fmt: skip


def test_an_administrator_takes_it_away(
    key: Passkey, ann: User, administrator: Person, sign_in: Callable[[], Client]
) -> None:
    assert administrator.post(f"/people/{ann.pk}/act/", {"act": "second-step"}).status_code == 200
    assert not Authenticator.objects.filter(user=ann).exists()
    assert not is_in(use_alone(browser(), key))
    assert is_in(sign_in())

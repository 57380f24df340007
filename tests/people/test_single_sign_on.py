"""Signing in through the organisation's provider: who is let in, what is believed, what is kept."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from conversations.actions import identities
from conversations.actions.invitations import invite
from conversations.models import AuditEvent, Invitation, User
from tests.world import Person

from .oidc_provider import OIDCProvider

pytestmark = pytest.mark.django_db
BEGIN = "/accounts/oidc/"


@pytest.fixture(scope="module")
def running() -> Iterator[OIDCProvider]:
    with OIDCProvider() as provider:
        yield provider


@pytest.fixture
def provider(running: OIDCProvider, settings: Any) -> OIDCProvider:
    """The site uses this provider."""
    running.reset()
    settings.OIDC_ISSUER, settings.OIDC_NAME = running.issuer, "Harbour Login"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = running.client_id, running.secret
    return running


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.com", "a-password-1")


def back_of(client: Client, data: dict[str, str] | None = None) -> str:
    """Begins in this browser; where the provider sends it back to."""
    page = client.post(BEGIN, data or {}).content.decode()
    url = re.search(r'content="0;url=([^"]+)"', page)
    assert url is not None, page
    location = httpx.get(html.unescape(url[1]), verify=False).headers["Location"]
    assert location.startswith("http://testserver/accounts/oidc/callback/?")
    return str(location)


def through(client: Client, **data: str) -> Any:
    return client.get(back_of(client, data))


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_without_a_provider_nothing_of_it_is_there(client: Client) -> None:
    assert "Harbour" not in client.get("/accounts/login/").content.decode()
    assert client.post(BEGIN).status_code == client.get(f"{BEGIN}callback/?code=1&state=2").status_code == 404


def test_a_person_of_a_verified_address_comes_in(client: Client, provider: OIDCProvider, ann: User) -> None:
    assert "Sign in with Harbour Login" in client.get("/accounts/login/").content.decode()
    assert through(client, next="/account/")["Location"] == "/account/"
    assert is_in(client)
    assert int(client.session["_auth_user_id"]) == ann.pk
    ann.refresh_from_db()
    assert ann.check_password("a-password-1"), "signing in by name and password goes on working"


def test_who_came_once_is_known_by_the_subject(provider: OIDCProvider, ann: User) -> None:
    through(Client())
    provider.claims |= {"email": "elsewhere@example.com"}
    client = Client()
    through(client)
    assert int(client.session["_auth_user_id"]) == ann.pk
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1, "yes"])
def test_an_address_that_is_not_verified_opens_nothing(
    client: Client, provider: OIDCProvider, ann: User, verified: Any
) -> None:
    provider.claims["email_verified"] = verified
    answer = through(client)
    assert (answer.status_code, is_in(client)) == (403, False)
    assert "Ask your administrator" in answer.content.decode()


@pytest.mark.parametrize(
    "email",
    ["bob@example.com", "", "ann@example.com.evil", "ann", None, 5, "ann\0@example.com", "a@x\ud800.org"],
)
def test_a_stranger_is_refused_and_no_account_is_made(
    client: Client, provider: OIDCProvider, ann: User, email: Any
) -> None:
    provider.claims["email"] = email
    assert through(client).status_code == 403
    assert (is_in(client), User.objects.count(), SocialAccount.objects.count()) == (False, 1, 0)
    assert AuditEvent.objects.filter(act="sign_in_failed").count() == 1


@pytest.mark.parametrize(
    ("kept", "given"),
    [("mike@example.com", "m\u0131ke@example.com"), ("kim@example.com", "\u212aim@example.com")],
)
def test_letters_that_become_alike_are_not_alike(
    client: Client, provider: OIDCProvider, ann: User, kept: str, given: str
) -> None:
    User.objects.update(email=kept)
    provider.claims["email"] = given
    assert through(client).status_code == 403
    provider.claims["email"] = kept.upper()
    assert through(client).status_code == 302


def test_case_counts_in_ascii_alone() -> None:
    assert identities.same_address("Ann@Example.com", "ann@example.COM")
    for one, other in (("m\u0131ke", "mike"), ("\u212aim", "kim"), ("\u017fam", "sam"), ("\u00e9", "\u00c9")):
        assert not identities.same_address(one, other)
        assert identities.same_address(one, one)


def test_an_address_that_somebody_only_claims_opens_nothing(
    client: Client, provider: OIDCProvider, ann: User
) -> None:
    EmailAddress.objects.create(user=ann, email="ann@example.com", verified=False, primary=True)
    assert through(client).status_code == 403
    EmailAddress.objects.update(verified=True)
    assert through(client).status_code == 302


@pytest.mark.parametrize("acts", [["add"], ["add", "primary"], ["add", "primary", "remove"]])
def test_nobody_catches_another_by_claiming_their_address(provider: OIDCProvider, acts: list[str]) -> None:
    mallory = User.objects.create_user("mallory", password="mallory-password-1")
    own = Client()
    own.force_login(mallory, backend="django.contrib.auth.backends.ModelBackend")
    own.post("/accounts/reauthenticate/", {"password": "mallory-password-1"})
    for act in acts:
        own.post("/accounts/email/", {f"action_{act}": "", "email": "ann@example.com"})
    claimed = EmailAddress.objects.filter(user=mallory, verified=False, primary="primary" in acts)
    assert claimed.exists() is ("remove" not in acts)
    client = Client()
    assert through(client).status_code == 403
    ann = User.objects.create_user("ann", "ann@example.com")
    assert through(client).status_code == 302
    assert int(client.session["_auth_user_id"]) == ann.pk


def test_signing_in_makes_a_new_session(client: Client, provider: OIDCProvider, ann: User) -> None:
    location = back_of(client)
    before = client.cookies["sessionid"].value
    client.get(location)
    assert is_in(client)
    assert client.cookies["sessionid"].value != before


def test_of_two_with_one_address_neither_is_meant(client: Client, provider: OIDCProvider, ann: User) -> None:
    User.objects.create_user("other", "Ann@example.com")
    assert through(client).status_code == 403


def test_an_address_given_to_somebody_new_does_not_open_the_old_account(
    client: Client, provider: OIDCProvider, ann: User
) -> None:
    through(Client())
    provider.claims["sub"] = "s-2"
    assert through(client).status_code == 403


def test_the_same_subject_of_another_issuer_is_somebody_else(
    client: Client, provider: OIDCProvider, ann: User
) -> None:
    SocialAccount.objects.create(user=ann, provider="https://other.example", uid="s-1")
    provider.claims["email"] = "bob@example.com"
    assert through(client).status_code == 403


def test_a_deactivated_person_stays_out(client: Client, provider: OIDCProvider, ann: User) -> None:
    for _ in range(2):
        User.objects.update(is_active=False)
        assert (through(client).status_code, is_in(client)) == (403, False)
        User.objects.update(is_active=True)
        through(Client())


def test_a_second_step_is_still_asked_for(client: Client, provider: OIDCProvider, ann: User) -> None:
    TOTP.activate(ann, "JBSWY3DPEHPK3PXP")
    assert through(client)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(client)


def test_an_invitation_to_the_address_makes_the_account(
    provider: OIDCProvider, administrator: Person
) -> None:
    group = Group.objects.create(name="Pilots")
    invite(administrator.user, "member", [group], "ANN@example.com", 7)
    User.objects.create_user("an.n")
    provider.claims |= {"preferred_username": "an.n<script>", "name": "Ann\u202e of the Harbour"}
    client = Client()
    assert through(client).status_code == 302
    made = User.objects.get(username="an.nscript")
    assert (made.display_name, made.email, made.is_superuser) == (
        "Ann of the Harbour",
        "ann@example.com",
        False,
    )
    assert not made.has_usable_password() and list(made.groups.all()) == [group]
    assert Invitation.objects.get().state == "used"
    assert is_in(client)


def test_who_only_claims_the_address_of_an_invitation_keeps_nobody_out(
    client: Client, provider: OIDCProvider, administrator: Person
) -> None:
    mallory = User.objects.create_user("mallory", "ann@example.com")
    EmailAddress.objects.create(user=mallory, email="ann@example.com", verified=False, primary=True)
    invite(administrator.user, "member", [], "ann@example.com", 7)
    assert through(client).status_code == 302
    made = EmailAddress.objects.get()
    assert (made.user_id, made.verified) == (int(client.session["_auth_user_id"]), True)
    assert made.user != mallory
    mallory.refresh_from_db()
    assert mallory.email == ""


@pytest.mark.parametrize("state", ["revoked_at", "used_at", "expires_at", "other"])
def test_an_invitation_that_no_longer_works_makes_none(
    client: Client, provider: OIDCProvider, administrator: Person, state: str
) -> None:
    invite(administrator.user, "member", [], "ann@example.com", 7)
    gone = {state: timezone.now() - timedelta(seconds=1)} if state != "other" else {"email": ""}
    Invitation.objects.update(**gone)
    assert through(client).status_code == 403


def test_a_user_name_that_is_taken_gets_a_number(provider: OIDCProvider, administrator: Person) -> None:
    User.objects.create_user("ANN")
    invite(administrator.user, "member", [], "ann@example.com", 7)
    through(Client())
    assert User.objects.filter(username="ann2").exists()


def test_so_does_one_that_looks_like_another(provider: OIDCProvider, administrator: Person) -> None:
    User.objects.create_user("Élodie")
    provider.claims["preferred_username"] = "éLODIE"
    invite(administrator.user, "member", [], "ann@example.com", 7)
    through(Client())
    assert User.objects.filter(username="éLODIE2").exists()


LIES: dict[str, Callable[[OIDCProvider], Any]] = {
    "wrong nonce": lambda p: p.lies.update(claims=lambda c: {**c, "nonce": "x"}),
    "half a letter as nonce": lambda p: p.lies.update(claims=lambda c: {**c, "nonce": "\ud800"}),
    "no nonce": lambda p: p.lies.update(claims=lambda c: {k: v for k, v in c.items() if k != "nonce"}),
    "wrong audience": lambda p: p.lies.update(claims=lambda c: {**c, "aud": "another"}),
    "for another of two": lambda p: p.lies.update(claims=lambda c: {**c, "aud": ["another", p.client_id]}),
    "given to another": lambda p: p.lies.update(claims=lambda c: {**c, "azp": "another"}),
    "wrong issuer": lambda p: p.lies.update(claims=lambda c: {**c, "iss": "https://evil.example"}),
    "expired": lambda p: p.lies.update(claims=lambda c: {**c, "exp": c["iat"] - 3600}),
    "no end": lambda p: p.lies.update(claims=lambda c: {k: v for k, v in c.items() if k != "exp"}),
    "nobody": lambda p: p.lies.update(claims=lambda c: {**c, "sub": ""}),
    "subject with a hole": lambda p: p.lies.update(claims=lambda c: {**c, "sub": "s\0"}),
    "subject is a number": lambda p: p.lies.update(claims=lambda c: {**c, "sub": 1}),
    "subject too long": lambda p: p.lies.update(claims=lambda c: {**c, "sub": "x" * 192}),
    "another's signature": lambda p: setattr(p, "signing_key", rsa.generate_private_key(65537, 2048)),
    "no signature": lambda p: (setattr(p, "algorithm", "none"), setattr(p, "signing_key", None)),
    "our own secret as key": lambda p: (
        setattr(p, "algorithm", "HS256"),
        setattr(p, "signing_key", "x" * 64),
    ),
    "unknown key": lambda p: p.lies.update(header=lambda h: {"kid": "k2"}),
    "keys are none": lambda p: p.lies.update(keys=lambda k: {"keys": []}),
    "keys are a list": lambda p: p.lies.update(keys=lambda k: []),
    "no token": lambda p: p.lies.update(tokens=lambda t: {"access_token": "x"}),
    "tokens are a list": lambda p: p.lies.update(tokens=lambda t: ["access_token"]),
    "token is no token": lambda p: p.lies.update(tokens=lambda t: {**t, "id_token": "a.b.c"}),
    "made-up code": lambda p: p.lies.update(callback=lambda c: {**c, "code": "made-up"}),
    "made-up state": lambda p: p.lies.update(callback=lambda c: {**c, "state": "made-up"}),
    "no state": lambda p: p.lies.update(callback=lambda c: {"code": c["code"]}),
    "an error": lambda p: p.lies.update(callback=lambda c: {"error": "<b>x</b>", "state": c["state"]}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_provider_that_lies_lets_nobody_in(
    client: Client, provider: OIDCProvider, ann: User, lie: str, caplog: pytest.LogCaptureFixture
) -> None:
    LIES[lie](provider)
    with caplog.at_level(logging.DEBUG):
        answer = through(client)
    assert (answer.status_code, is_in(client)) == (401, False)
    assert provider.secret not in caplog.text + answer.content.decode()
    provider.reset()
    assert through(client).status_code == 302


@pytest.mark.parametrize(
    "said",
    [{"issuer": "https://evil.example"}, {"token_endpoint": None}, {"jwks_uri": "ftp://x"},
     {"authorization_endpoint": 5}, {"authorization_endpoint": "http://[::1"}, {"token_endpoint": "http://"},
     {"token_endpoint_auth_methods_supported": None}],
)  # fmt: skip
def test_a_provider_that_is_another_than_named_is_not_gone_to(
    client: Client, provider: OIDCProvider, said: dict[str, Any]
) -> None:
    provider.lies["config"] = lambda config: {**config, **said}
    assert client.post(BEGIN).status_code == 401
    assert client.post(BEGIN).status_code == 401
    assert len(provider.asked) == 1, "a bad answer is remembered for a while"


def test_a_query_in_the_address_of_the_provider_stays(
    client: Client, provider: OIDCProvider, ann: User
) -> None:
    """Some name the policy by which somebody signs in like that."""
    provider.lies["config"] = lambda config: {
        **config,
        "authorization_endpoint": f"{provider.issuer}/authorize?p=b2c",
    }
    assert through(client).status_code == 302
    (asked,) = [query for path, query in provider.asked if path == "/authorize"]
    assert asked["p"] == "b2c"


def test_user_info_tells_the_address_but_never_of_somebody_else(
    client: Client, provider: OIDCProvider, ann: User
) -> None:
    provider.userinfo = {"sub": "s-2", "email": "ann@example.com", "email_verified": True}
    provider.claims = {"sub": "s-1"}
    assert through(client).status_code == 401
    provider.userinfo["sub"] = "s-1"
    assert through(client).status_code == 302


def test_coming_back_counts_once_and_in_the_same_browser_alone(provider: OIDCProvider, ann: User) -> None:
    mine, other = Client(), Client()
    location = back_of(mine)
    assert other.get(location).status_code == 401
    assert mine.get(location).status_code == 302
    mine.post("/accounts/logout/")
    assert mine.get(location).status_code == 401


def test_turning_back_at_the_provider_is_no_failure_of_ours(client: Client, provider: OIDCProvider) -> None:
    provider.lies["callback"] = lambda c: {"error": "access_denied", "state": c["state"]}
    assert "without signing in" in through(client).content.decode()


def test_the_request_cannot_change_what_is_asked(
    client: Client, provider: OIDCProvider, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://chat.example.com"
    settings.ALLOWED_HOSTS = ["*"]
    query = (
        "?scope=admin&process=connect&auth_params=nonce%3Dmine%26redirect_uri%3Dhttps%3A%2F%2Fevil.example"
    )
    page = client.post(BEGIN + query, HTTP_HOST="evil.example").content.decode()
    found = re.search(r'content="0;url=([^"]+)"', page)
    assert found is not None
    asked = {k: v[0] for k, v in parse_qs(urlsplit(html.unescape(found[1])).query).items()}
    assert asked["redirect_uri"] == "https://chat.example.com/accounts/oidc/callback/"
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["nonce"] != "mine" and asked["code_challenge_method"] == "S256"


def test_begin_needs_a_post_with_our_token(provider: OIDCProvider) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.get(BEGIN).status_code == 405
    assert client.post(BEGIN).status_code == 403


def test_failures_count_for_the_address(provider: OIDCProvider, ann: User, settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ADDRESS = 3
    for _ in range(4):
        assert through(Client()).status_code == 302
        assert Client().get(f"{BEGIN}callback/?code=1&state=2").status_code == 401, (
            "any page can send one here"
        )
    provider.claims["email"] = "stranger@example.com"
    provider.claims["sub"] = "s-2"
    assert [through(Client()).status_code for _ in range(4)] == [403, 403, 403, 429]


def test_no_token_and_no_word_of_the_provider_is_kept(
    client: Client, provider: OIDCProvider, ann: User
) -> None:
    provider.claims["phone_number"] = "a-private-number"
    through(client)
    assert not SocialToken.objects.exists()
    kept = json.dumps([row.get_decoded() for row in Session.objects.all()])
    kept += json.dumps(list(SocialAccount.objects.values("extra_data", "uid")))
    kept += json.dumps(list(AuditEvent.objects.values("detail")))
    for word in ("an-access-token", "a-refresh-token", "a-private-number", provider.secret):
        assert word not in kept


def test_a_row_of_the_database_makes_no_provider(client: Client, settings: Any) -> None:
    SocialApp.objects.create(provider="openid_connect", provider_id="evil", name="Evil", client_id="x")
    assert client.post(BEGIN).status_code == 404
    assert "Evil" not in client.get("/accounts/login/").content.decode()


def test_an_administrator_takes_a_link_away_and_nobody_else_does(
    provider: OIDCProvider, ann: User, administrator: Person, bob: Person
) -> None:
    page, act = f"/people/{ann.pk}/", f"/people/{ann.pk}/act/"
    assert administrator.post(act, {"act": "unlink"}).status_code == 400
    through(Client())
    assert bob.post(act, {"act": "unlink"}).status_code == 404
    assert "Remove the link" in administrator.get(page, HTTP_ACCEPT="text/html").content.decode()
    assert administrator.post(act, {"act": "unlink"}).status_code == 200
    assert AuditEvent.objects.get(act="identity_unlinked").actor == administrator.user
    provider.claims["sub"] = "s-2"
    assert through(Client()).status_code == 302


def test_it_is_on_the_record(client: Client, provider: OIDCProvider, ann: User) -> None:
    through(client)
    rows = list(AuditEvent.objects.order_by("pk").values_list("act", "actor_name", "detail"))
    assert rows == [
        ("identity_linked", "ann", {"issuer": provider.issuer}),
        ("signed_in", "ann", {"by": ["socialaccount"]}),
    ]

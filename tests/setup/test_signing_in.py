from __future__ import annotations

import threading
import time
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from chatsite import urls
from chatsite.hashers import Argon2PasswordHasher
from chatsite.sessions import signed_in_user
from conversations.models import AuditEvent, User

from .counting_hasher import CountingHasher

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.com", PASSWORD)


def sign_in(client: Client, login: str = "ann", password: str = PASSWORD, **more: str) -> HttpResponse:
    return client.post("/accounts/login/", {"login": login, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


@pytest.mark.any_database
@pytest.mark.parametrize("login", ["ann", "ann@example.com", "ANN@example.com"])
@pytest.mark.parametrize("entered", ["ann@example.com", "Ann@Example.com"])
def test_name_and_mail_address_both_sign_in(client: Client, entered: str, login: str) -> None:
    User.objects.create_user("ann", entered, PASSWORD)
    answer = sign_in(client, login)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)


def test_an_address_that_was_kept_as_it_was_entered_signs_in_after_an_upgrade(
    client: Client, ann: User
) -> None:
    User.objects.update(email="Ann@Example.com")
    for address in ("Ann@Example.com", "ann@example.com"):
        EmailAddress.objects.create(user=ann, email=address)
    migration = import_module("conversations.migrations.0017_addresses_in_lower_case")
    migration.to_lower_case(apps, SimpleNamespace(connection=connection))
    sign_in(client, "Ann@Example.com")
    assert is_signed_in(client)


def test_an_unverified_address_never_stands_in_the_way(client: Client, ann: User) -> None:
    EmailAddress.objects.create(user=ann, email=ann.email, verified=False, primary=True)
    sign_in(client)
    assert is_signed_in(client)


def test_a_plain_post_with_the_csrf_cookie_is_enough(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    assert sign_in(client).status_code == 403
    sign_in(client, csrfmiddlewaretoken=client.cookies["csrftoken"].value)
    assert is_signed_in(client)


def test_a_program_signs_in_through_the_same_form(client: Client, ann: User) -> None:
    program = {"HTTP_ACCEPT": "application/json, */*"}
    page = client.get("/accounts/login/", **program)
    assert page.status_code == 200
    for field in (b'name="login"', b'name="password"'):
        assert field in page.content
    typed = {"login": "ann", "password": "not-the-right-one"}
    wrong = client.post("/accounts/login/", typed, **program)
    sentence = "The name or the password is not correct."
    assert wrong.json() == {"error": {"type": "invalid_request", "message": sentence}}
    missing = client.post("/accounts/login/", {"login": "ann"}, **program)
    assert (missing.status_code, missing.json()["error"]["message"]) == (
        400,
        "Password: This field is required.",
    )
    right = client.post("/accounts/login/", {"login": "ann", "password": PASSWORD}, **program)
    assert (wrong.status_code, right.status_code, right.json()) == (400, 200, {"location": "/"})
    assert is_signed_in(client)


@pytest.mark.any_database
def test_a_program_signs_in_with_a_json_body_as_well(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    token = {"HTTP_X_CSRFTOKEN": client.cookies["csrftoken"].value}

    def post(body: Any, **headers: Any) -> HttpResponse:
        return client.post("/accounts/login/", body, content_type="application/json", **headers)

    for broken in ("{", [1], {"login": "ann", "password": {}}):
        answer = post(broken, **token)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request")
    typed = {"login": "ann", "password": PASSWORD}
    assert post(typed).status_code == 403
    assert not is_signed_in(client)
    assert post(typed, **token).json() == {"location": "/"}
    assert is_signed_in(client)


def test_a_program_is_told_of_too_many_failures(client: Client, ann: User) -> None:
    for _ in range(settings.LOGIN_FAILURES_PER_ACCOUNT):
        sign_in(client, password="wrong")
    answer = client.post(
        "/accounts/login/", {"login": "ann", "password": PASSWORD}, HTTP_ACCEPT="application/json"
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "too_many_failures")


@pytest.mark.any_database
def test_signing_in_makes_a_new_session(client: Client, ann: User) -> None:
    chosen = SessionStore()
    chosen["planted"] = True
    chosen.save()
    assert chosen.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = chosen.session_key
    sign_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != chosen.session_key


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "http:///evil",
        "http://[::1",
        "http://testserver:81/",
        "http://localhost/",
    ],
)
def test_the_next_page_is_one_of_ours(client: Client, ann: User, target: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "localhost"]
    assert sign_in(client, next=target)["Location"] == "/"
    assert client.get("/accounts/login/", {"next": target})["Location"] == "/"


def test_an_address_that_is_none_breaks_no_page(client: Client) -> None:
    for path in ("/accounts/login/", "/accounts/password/reset/"):
        assert client.get(path, {"next": "http://[::1"}).status_code == 200


def test_the_next_page_is_followed(client: Client, ann: User) -> None:
    assert sign_in(client, next="/account/")["Location"] == "/account/"


def test_five_failures_lock_the_account_and_a_right_password_no_longer_helps(
    client: Client, ann: User
) -> None:
    for _ in range(settings.LOGIN_FAILURES_PER_ACCOUNT):
        sign_in(client, password="wrong")
    sign_in(client)
    assert not is_signed_in(client)


@pytest.mark.any_database
def test_failures_count_for_the_person_however_the_name_is_written(ann: User) -> None:
    for login in ("ann", "ANN", "ann@example.com", "Ann@example.com", "\uff41nn"):
        sign_in(Client(REMOTE_ADDR="10.0.0.9"), login=login, password="wrong")
    client = Client()
    sign_in(client)
    assert not is_signed_in(client)


@pytest.mark.parametrize("login", ["ann", "ann@example.com", "nobody", "nobody@example.com"])
def test_one_password_is_hashed_whoever_is_asked_for(
    client: Client, ann: User, login: str, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = ["tests.setup.counting_hasher.CountingHasher"]
    ann.set_password(PASSWORD)
    ann.save()
    CountingHasher.used = 0
    sign_in(client, login=login, password="wrong")
    assert CountingHasher.used == 1


@pytest.mark.any_database
@pytest.mark.parametrize(
    "login",
    ["a" * 60_000, "a" * 60_000 + "@example.com", "\ufdfa" * 4000],
    ids=["name", "address", "ligature"],
)
def test_a_name_longer_than_any_is_a_wrong_one(client: Client, ann: User, login: str, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.setup.counting_hasher.CountingHasher"]
    CountingHasher.used = 0
    answer = sign_in(client, login=login)
    assert answer.status_code == 200 and "not correct" in answer.content.decode()
    assert CountingHasher.used == 1


def test_an_inactive_person_reads_like_a_wrong_password(client: Client, ann: User) -> None:
    User.objects.update(is_active=False)
    assert "not correct" in sign_in(client).content.decode()
    assert not is_signed_in(client)


def test_the_hash_that_is_stored_is_argon2_of_modest_size(ann: User) -> None:
    hasher = Argon2PasswordHasher()
    assert hasher.decode(hasher.encode("x", "somesalt12345678"))["memory_cost"] == 19456


def test_four_failures_do_not(client: Client, ann: User) -> None:
    for _ in range(settings.LOGIN_FAILURES_PER_ACCOUNT - 1):
        sign_in(client, password="wrong")
    sign_in(client)
    assert is_signed_in(client)


def test_failures_count_by_address_and_successes_do_not(ann: User) -> None:
    for _ in range(settings.LOGIN_FAILURES_PER_ADDRESS * 2):
        client = Client(REMOTE_ADDR="10.0.0.1")
        sign_in(client)
        assert is_signed_in(client)
        # Each sign-in looks through all sessions of the person.
        client.logout()
    for number in range(settings.LOGIN_FAILURES_PER_ADDRESS):
        sign_in(Client(REMOTE_ADDR="10.0.0.2"), login=f"nobody{number}")
    refused, elsewhere = Client(REMOTE_ADDR="10.0.0.2"), Client(REMOTE_ADDR="10.0.0.3")
    sign_in(refused)
    sign_in(elsewhere)
    assert not is_signed_in(refused)
    assert is_signed_in(elsewhere)


def test_who_goes_on_waits_longer(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + now[0])
    tried = settings.LOGIN_FAILURES_PER_ACCOUNT_AND_HOUR
    for _ in range(tried // settings.LOGIN_FAILURES_PER_ACCOUNT):
        welcome = Client()
        sign_in(welcome)
        assert is_signed_in(welcome)
        for _ in range(settings.LOGIN_FAILURES_PER_ACCOUNT):
            sign_in(Client(), password="wrong")
        now[0] += settings.LOGIN_FAILURE_SECONDS + 1
    refused, later = Client(), Client()
    sign_in(refused)
    assert not is_signed_in(refused)
    now[0] += 3600
    sign_in(later)
    assert is_signed_in(later)


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_fifty_tries_at_once_are_five(ann: User) -> None:
    start = threading.Barrier(50)

    def guess() -> None:
        start.wait()
        try:
            sign_in(Client(), password="wrong")
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Only a password that was looked at is a failure on the record.
    failures = AuditEvent.objects.filter(act="sign_in_failed").count()
    assert 1 <= failures <= settings.LOGIN_FAILURES_PER_ACCOUNT
    refused = Client()
    sign_in(refused)
    assert not is_signed_in(refused)


def test_an_unknown_name_and_a_wrong_password_read_alike(ann: User) -> None:
    unknown = sign_in(Client(), login="nobody", password="wrong").content.decode()
    wrong = sign_in(Client(), password="wrong").content.decode()
    assert "not correct" in wrong
    assert [line for line in unknown.splitlines() if "nonfield" in line or "not correct" in line] == [
        line for line in wrong.splitlines() if "nonfield" in line or "not correct" in line
    ]


def test_nobody_signs_up(client: Client) -> None:
    form = {"username": "eve", "email": "eve@example.com", "password1": PASSWORD, "password2": PASSWORD}
    for method in (client.get, client.post):
        page = method("/accounts/signup/", form)
        assert (page.status_code, "administrator" in page.content.decode()) == (403, True)
        program = method("/accounts/signup/", form, HTTP_ACCEPT="application/json")
        assert (program.status_code, program.json()["error"]["type"]) == (403, "sign_up_closed")
    assert not User.objects.exists()


def test_the_admin_signs_in_through_the_same_door(client: Client, ann: User) -> None:
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
    client.force_login(ann)
    assert client.get("/admin/", follow=True).status_code == 403


def test_what_a_library_has_under_another_name_is_not_replaced_in_silence() -> None:
    """Other tests try each of these protections; whoever upgrades without them is told as well."""
    library = SimpleNamespace(check_limit=1)
    with pytest.raises(AttributeError, match="check_rate_limit"):
        urls._replace(library, "check_rate_limit", 2)
    urls._replace(library, "check_limit", 2)
    assert library.check_limit == 2


@pytest.mark.any_database
def test_a_session_made_with_djangos_api_is_valid(client: Client, ann: User) -> None:
    client.force_login(ann)
    assert client.get("/account/").status_code == 200
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert signed_in_user(key) == ann


@pytest.mark.any_database
def test_a_session_ends_for_sockets_too(client: Client, ann: User) -> None:
    client.force_login(ann)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    ann.set_password("another-password")
    ann.save()
    assert signed_in_user(key) is None
    client.force_login(ann)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert signed_in_user(key) == ann
    User.objects.update(is_active=False)
    assert signed_in_user(key) is None
    User.objects.update(is_active=True)
    client.logout()
    assert signed_in_user(key) is None
    assert signed_in_user("no-such-session") is None


def test_a_very_long_password_is_refused_without_being_hashed(client: Client, ann: User) -> None:
    answer = sign_in(client, password="x" * 1_000_000)
    assert answer.status_code in (200, 400)
    assert not is_signed_in(client)


def test_signing_out_needs_a_post(client: Client, ann: User) -> None:
    client.force_login(ann)
    client.get("/accounts/logout/")
    assert is_signed_in(client)
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert not is_signed_in(client)


def test_without_a_mail_server_a_forgotten_password_goes_to_the_administrator(
    client: Client, ann: User
) -> None:
    assert "Ask your administrator" in client.get("/accounts/login/").content.decode()
    known = client.post("/accounts/password/reset/", {"email": ann.email})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])

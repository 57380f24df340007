"""One link, one account (H20)."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from conversations.actions import invitations, people
from conversations.models import AuditEvent, Invitation, User
from tests.world import JSON, Person, member

FORM = {
    "username": "newcomer",
    "email": "",
    "password1": "a-long-passphrase",
    "password2": "a-long-passphrase",
}


def link(by: Person, **fields: Any) -> str:
    """The path of a new invitation."""
    response = by.post("/people/invitations/", {"role": "member", "days": "7", **fields})
    assert response.status_code == 201, response.content
    return "/" + response.json()["url"].split("/", 3)[3]  # type: ignore[attr-defined, no-any-return]


def test_an_invitation_makes_one_account_which_is_signed_in(administrator: Person) -> None:
    group = Group.objects.create(name="Pilots")
    path = link(administrator, groups=[group.pk])
    guest = Client()
    assert guest.get(path).status_code == 200
    assert guest.post(path, FORM)["Location"] == "/"
    assert guest.get("/").status_code == 200
    made = User.objects.get(username="newcomer")
    assert (made.is_staff, made.is_superuser, list(made.groups.all())) == (False, False, [group])
    assert Client().get(path).status_code == 404
    assert Client().post(path, {**FORM, "username": "second"}).status_code == 404
    assert not User.objects.filter(username="second").exists()


@pytest.mark.parametrize("page", ["invitation/x", "setup/x", "password/x/y", "share/x", "share/x/files/y"])
def test_a_program_is_told_in_json_that_a_link_no_longer_works(db: None, page: str) -> None:
    for method in ("GET", "POST") if "share" not in page else ("GET",):
        refused = Client().generic(method, f"/{page}/", **JSON)
        assert (refused.status_code, refused.json()["error"]["type"]) == (404, "not_found")
    assert Client().get(f"/{page}/")["Content-Type"].startswith("text/html")


def test_a_program_that_uses_a_link_is_told_in_json_where_to_go_on(
    administrator: Person, bob: Person
) -> None:
    guest = Client()
    refused = guest.post(link(administrator), {"username": "newcomer"}, **JSON)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request")
    used = guest.post(link(administrator), FORM, content_type="application/json")
    assert (used.status_code, used.json()) == (200, {"location": "/"})
    assert guest.get("/").status_code == 200
    uid, token = people.password_link(administrator.user, bob.user)
    used = Client().post(f"/password/{uid}/{token}/", FORM, **JSON)
    assert (used.status_code, used.json()) == (200, {"location": "/accounts/login/"})


def test_it_works_for_the_usual_time_unless_another_is_chosen(administrator: Person, settings: Any) -> None:
    settings.INVITATION_DAYS = 5
    for days, lasting in ((None, 5), ("", 5), ("30", 30)):
        fields = {"role": "member"} | ({} if days is None else {"days": days})
        made = administrator.post("/people/invitations/", fields)
        assert made.status_code == 201, made.content
        row = Invitation.objects.get(pk=made.json()["invitation"])  # type: ignore[attr-defined]
        assert (row.expires_at - row.created_at).days in (lasting, lasting - 1)


def test_an_administrator_comes_of_an_administrators_invitation_alone(administrator: Person) -> None:
    Client().post(link(administrator), {**FORM, "role": "administrator", "is_superuser": "1"})
    assert not User.objects.get(username="newcomer").is_superuser
    Client().post(link(administrator, role="administrator"), {**FORM, "username": "chief"})
    assert User.objects.get(username="chief").is_superuser


@pytest.mark.parametrize("state", ["revoked", "expired", "never"])
def test_what_is_withdrawn_expired_or_made_up_answers_alike(administrator: Person, state: str) -> None:
    path = link(administrator)
    row = Invitation.objects.get()
    if state == "revoked":
        assert administrator.post(f"/people/invitations/{row.pk}/revoke/").status_code == 200
    elif state == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        path = "/invitation/" + "A" * 43 + "/"
    for method in ("get", "post"):
        response = getattr(Client(), method)(path, FORM if method == "post" else {})
        assert response.status_code == 404
        assert b"no longer works" in response.content
    assert not User.objects.filter(username="newcomer").exists()


def test_what_was_used_is_not_called_revoked_and_what_was_revoked_is_so_once(administrator: Person) -> None:
    Client().post(link(administrator), FORM)
    used = f"/people/invitations/{Invitation.objects.get().pk}/revoke/"
    assert administrator.post(used).status_code == 400
    assert Invitation.objects.get().state == "used"
    link(administrator)
    other = f"/people/invitations/{Invitation.objects.get(used_at=None).pk}/revoke/"
    assert [administrator.post(other).status_code for _ in range(2)] == [200, 200]
    assert AuditEvent.objects.filter(act="invitation_revoked").count() == 1


def test_the_set_up_link_is_no_invitation(administrator: Person) -> None:
    token = people.new_setup_token()
    assert Client().post(f"/invitation/{token}/", FORM).status_code == 404
    assert Client().get("/people/invitations/").status_code == 302


@pytest.mark.any_database
def test_an_invitation_for_an_address_makes_an_account_of_that_address_alone(administrator: Person) -> None:
    path = link(administrator, email="Ada@exämple.org")
    guest = Client()
    guest.post(path, {**FORM, "email": "mallory@example.org"})
    assert User.objects.get(username="newcomer").email == "ada@exämple.org"
    again = administrator.post(
        "/people/invitations/", {"role": "member", "days": "7", "email": "ADA@EXÄMPLE.org"}
    )
    assert again.status_code == 400
    guest.logout()
    form = {"login": "Ada@Exämple.org", "password": FORM["password1"]}
    assert guest.post("/accounts/login/", form).status_code == 302


def claim(by: Person, address: str) -> None:
    """As people add an address to their account and make it their own, without having shown that they read its mail."""
    by.client.post("/accounts/reauthenticate/", {"password": "alice-password-1"})
    for act in ("add", "primary"):
        by.client.post("/accounts/email/", {f"action_{act}": "", "email": address})
    by.user.refresh_from_db()
    assert by.user.email == address


@pytest.mark.any_database
def test_who_only_claims_an_address_keeps_nobody_from_being_invited(
    administrator: Person, alice: Person, settings: Any
) -> None:
    settings.MAIL_WORKS = True
    claim(alice, "ada@example.org")
    _, token = invitations.invite(administrator.user, "member", [], "ada@example.org", 7)
    guest = Client()
    assert guest.post(f"/invitation/{token}/", FORM)["Location"] == "/"
    alice.user.refresh_from_db()
    assert (alice.user.email, EmailAddress.objects.filter(user=alice.user).exists()) == ("", False)
    guest.logout()
    guest.post("/accounts/login/", {"login": "ada@example.org", "password": FORM["password1"]})
    assert guest.get("/account/").wsgi_request.user.username == "newcomer"
    with pytest.raises(invitations.Invalid):
        invitations.invite(administrator.user, "member", [], "ada@example.org", 7)


def test_without_mail_a_claim_is_all_that_there_is(administrator: Person, alice: Person) -> None:
    _, token = invitations.invite(administrator.user, "member", [], "ada@example.org", 7)
    claim(alice, "ada@example.org")
    assert Client().post(f"/invitation/{token}/", FORM).status_code == 400
    with pytest.raises(invitations.Invalid):
        invitations.invite(administrator.user, "member", [], "ada@example.org", 7)


@pytest.mark.parametrize("mail_works", [False, True])
def test_who_enters_an_address_for_themselves_enters_one_that_nobody_else_has(
    administrator: Person, alice: Person, settings: Any, mail_works: bool
) -> None:
    """Or two people would sign in by it."""
    settings.MAIL_WORKS = mail_works
    claim(alice, "ada@example.org")
    assert Client().post(link(administrator), {**FORM, "email": "ada@example.org"}).status_code == 400
    assert EmailAddress.objects.get().user == alice.user


def test_a_verified_address_is_nobody_elses(administrator: Person, alice: Person) -> None:
    path = link(administrator)
    EmailAddress.objects.create(user=alice.user, email="ada@example.org", verified=True)
    with pytest.raises(invitations.Invalid):
        invitations.invite(administrator.user, "member", [], "ADA@example.org", 7)
    assert Client().post(path, {**FORM, "email": "ada@example.org"}).status_code == 400
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize("username", ["ALICE", "alice", "ａlice", "élodie", "E\u0301LODIE", "STRASSE"])
def test_a_name_that_looks_like_another_is_taken(administrator: Person, alice: Person, username: str) -> None:
    User.objects.bulk_create(User(username=name) for name in ("Élodie", "Straße"))
    path = link(administrator)
    response = Client().post(path, {**FORM, "username": username})
    assert response.status_code == 400
    assert User.objects.count() == 4
    assert Client().get(path).status_code == 200, "the link still works"


def test_the_records_give_no_name_that_looks_like_another(administrator: Person, alice: Person) -> None:
    User.objects.create_user("Élodie")
    password = {"password1": "tulip-Harvest-77", "password2": "tulip-Harvest-77", "usable_password": "true"}
    path = "/admin/conversations/user"
    for name in ("éLODIE", "ALICE", ""):
        assert administrator.client.post(f"{path}/add/", {"username": name, **password}).status_code == 200
    form = {"theme": "system", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    renamed = f"{path}/{alice.user.pk}/change/"
    assert administrator.client.post(renamed, {"username": "éLODIE", **form}).status_code == 200
    assert administrator.client.post(renamed, {"username": "Alice", **form}).status_code == 302
    assert set(User.objects.values_list("username", flat=True)) == {"carol", "Alice", "Élodie"}


def test_one_signs_in_whatever_the_case_of_the_name(db: None) -> None:
    User.objects.create_user("Élodie", password="tulip-Harvest-77")
    form = {"login": "éLODIE", "password": "tulip-Harvest-77"}
    assert Client().post("/accounts/login/", form).status_code == 302


def test_by_mail_where_mail_can_be_sent_and_then_not_on_the_page(
    administrator: Person, settings: Any
) -> None:
    settings.MAIL_WORKS = True
    response = administrator.post(
        "/people/invitations/",
        {"role": "member", "days": "7", "email": "ada@example.org"},
        HTTP_ACCEPT="text/html",
    )
    assert b"/invitation/" not in response.content
    path = re.search(r"http://testserver(/invitation/\S+)", str(mail.outbox[0].body))
    assert path is not None
    Client().post(path[1], FORM)
    assert User.objects.get(username="newcomer").emailaddress_set.get().verified


def test_only_the_hash_of_the_token_is_kept(administrator: Person) -> None:
    token = link(administrator).split("/")[2]
    assert token not in str(list(Invitation.objects.values()))


@pytest.mark.django_db(transaction=True)
def test_of_many_simultaneous_uses_one_makes_an_account(db: None) -> None:
    boss = member("boss", is_staff=True, is_superuser=True)
    _, token = invitations.invite(boss.user, "member", [], "", 7)
    start = threading.Barrier(6)
    made: list[str] = []

    def use(number: int) -> None:
        start.wait()
        try:
            made.append(invitations.accept(token, f"racer{number}", "", "a-long-passphrase").username)
        except invitations.Invalid:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert list(User.objects.filter(username__startswith="racer").values_list("username", flat=True)) == made

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from conversations.actions import people
from conversations.actions.errors import Invalid
from conversations.models import AuditEvent, Invitation, User

FORM = {"username": "ann", "email": "", "password1": "correct-horse-9", "password2": "correct-horse-9"}


@pytest.mark.any_database
@pytest.mark.django_db
def test_the_link_makes_an_administrator_who_is_signed_in(client: Client) -> None:
    link = f"/setup/{people.new_setup_token()}/"
    assert client.get(link).status_code == 200
    assert client.post(link, FORM)["Location"] == "/"
    user = User.objects.get()
    assert user.is_superuser
    assert user.is_staff
    assert user.check_password("correct-horse-9")
    assert client.get("/account/").status_code == 200


@pytest.mark.django_db
def test_a_program_that_uses_the_link_is_told_in_json_where_to_go_on(client: Client) -> None:
    answer = client.post(f"/setup/{people.new_setup_token()}/", FORM, HTTP_ACCEPT="application/json")
    assert (answer.status_code, answer.json()) == (200, {"location": "/"})
    assert client.get("/account/").status_code == 200


@pytest.mark.django_db
def test_the_first_administrator_is_on_the_record() -> None:
    user = people.create_first_administrator(people.new_setup_token(), "ann", "", "x")
    event = AuditEvent.objects.get()
    assert (event.actor, event.act, event.object_id) == (user, "administrator_created", str(user.pk))


@pytest.mark.django_db
def test_only_a_hash_of_the_token_is_stored() -> None:
    token = people.new_setup_token()
    assert len(token) >= 43
    assert token not in str(Invitation.objects.values().get())


@pytest.mark.django_db
def test_a_used_an_old_a_replaced_and_a_made_up_link_answer_alike(client: Client) -> None:
    replaced = people.new_setup_token()
    old = people.new_setup_token()
    Invitation.objects.filter(revoked_at=None).update(expires_at=timezone.now() - timedelta(seconds=1))
    used = people.new_setup_token()
    people.create_first_administrator(used, "ann", "", "x")
    answers = [client.post(f"/setup/{token}/", FORM) for token in (replaced, old, used, "made-up", "x" * 500)]
    assert {answer.status_code for answer in answers} == {404}
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_link_is_worth_nothing_once_there_is_an_administrator() -> None:
    token = people.new_setup_token()
    people.create_administrator("ann", "", "x")
    assert not people.setup_link_open(token)
    with pytest.raises(Invalid):
        people.create_first_administrator(token, "eve", "", "x")


@pytest.mark.django_db
@pytest.mark.parametrize("lacking", ["is_superuser", "is_staff", "is_active"])
def test_somebody_whom_the_pages_of_administrators_refuse_is_none(client: Client, lacking: str) -> None:
    rights = {"is_superuser": True, "is_staff": True, "is_active": True, lacking: False}
    half = User.objects.create_user("half", **rights)
    assert not people.has_administrator()
    client.force_login(half)
    assert client.get("/people/").status_code in (302, 404)
    assert client.post(f"/setup/{people.new_setup_token()}/", FORM)["Location"] == "/"
    assert people.has_administrator()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", "a b"),
        ("username", "x" * 151),
        ("email", "no-address"),
        ("password2", "another"),
        ("password1", "x" * 1001),
        ("password1", ""),
    ],
)
def test_wrong_input_is_named_and_keeps_the_link(client: Client, field: str, value: str) -> None:
    token = people.new_setup_token()
    assert client.post(f"/setup/{token}/", {**FORM, field: value}).status_code == 400
    assert not User.objects.exists()
    assert people.setup_link_open(token)


@pytest.mark.django_db
def test_weak_passwords_are_refused(client: Client) -> None:
    token = people.new_setup_token()
    for weak in ("password", "12345678901", "short1!"):
        form = {**FORM, "password1": weak, "password2": weak}
        assert client.post(f"/setup/{token}/", form).status_code == 400


@pytest.mark.any_database
@pytest.mark.django_db
def test_a_name_that_only_looks_different_is_taken(client: Client) -> None:
    User.objects.create_user("Ann")
    token = people.new_setup_token()
    assert client.post(f"/setup/{token}/", {**FORM, "username": "aNN"}).status_code == 400
    assert client.post(f"/setup/{token}/", {**FORM, "username": "\uff21nn"}).status_code == 400


@pytest.mark.django_db
def test_the_address_of_the_administrator_counts_as_verified(client: Client) -> None:
    user = people.create_administrator("ann", "ann@example.com", "x")
    assert user.emailaddress_set.get().verified  # type: ignore[attr-defined]
    assert client.post("/accounts/login/", {"login": "ann@example.com", "password": "x"}).status_code == 302


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_two_people_with_one_link_become_one_administrator() -> None:
    token = people.new_setup_token()

    def attempt(name: str) -> bool:
        try:
            people.create_first_administrator(token, name, "", "x")
        except Invalid:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, ["a1", "a2", "a3", "a4"])) == 1
    assert User.objects.count() == 1

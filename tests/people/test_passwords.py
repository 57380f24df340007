"""A new password without mail: an administrator hands over a link (H18)."""

from __future__ import annotations

import re

import pytest
from allauth.account.adapter import get_adapter
from django.test import Client

from conversations.access import NotFound
from conversations.actions import people
from conversations.models import User
from tests.world import Person

NEW = {"password1": "quite-another-one", "password2": "quite-another-one"}


@pytest.fixture
def path(administrator: Person, bob: Person) -> str:
    """The link for bob."""
    page = administrator.post(f"/people/{bob.user.pk}/password/", HTTP_ACCEPT="text/html").content.decode()
    found = re.search(r"http://testserver(/password/[^\"]+)", page)
    assert found is not None
    return found[1]


def test_the_link_changes_the_password_once_and_ends_all_sessions(bob: Person, path: str) -> None:
    assert bob.get("/").status_code == 200
    assert Client().post(path, NEW)["Location"] == "/accounts/login/"
    assert bob.get("/").status_code == 401
    assert User.objects.get(username="bob").check_password(NEW["password1"])
    assert Client().get(path).status_code == 404
    assert Client().post(path, NEW).status_code == 404


def test_a_program_gets_the_link_in_json(administrator: Person, bob: Person) -> None:
    made = administrator.post(f"/people/{bob.user.pk}/password/")
    assert made.status_code == 201
    assert Client().get(made.json()["url"]).status_code == 200


@pytest.mark.parametrize(
    "form",
    [{}, {"password1": "a"}, {"password1": "12345678", "password2": "12345678"}, {**NEW, "password2": "x"}],
)
def test_a_bad_password_changes_nothing(bob: Person, path: str, form: dict[str, str]) -> None:
    assert Client().post(path, form).status_code in (200, 400)
    assert User.objects.get(username="bob").check_password("bob-password-1")


def test_the_link_dies_when_the_password_changes_or_the_account_is_deactivated(
    bob: Person, path: str
) -> None:
    bob.user.is_active = False
    bob.user.save()
    assert Client().get(path).status_code == 404
    bob.user.is_active = True
    bob.user.set_password("chosen-meanwhile")
    bob.user.save()
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("uid", ["MQ", "!!", "A" * 5000, "%00", "LTE"])
def test_a_made_up_link_is_a_used_one(db: None, uid: str) -> None:
    assert Client().get(f"/password/{uid}/c0ffee-0123456789abcdef/").status_code == 404


def test_a_right_that_is_taken_while_its_person_changes_the_password_is_gone(
    administrator: Person, bob: Person
) -> None:
    """To hash a password takes a while: the account was read before."""
    people.make_administrator(administrator.user, bob.user)
    as_read = User.objects.get(pk=bob.user.pk)
    people.make_member(administrator.user, bob.user)
    people.deactivate(administrator.user, bob.user)
    get_adapter().set_password(as_read, "quite-another-one")
    now = User.objects.get(pk=bob.user.pk)
    assert (now.is_active, now.is_staff, now.is_superuser) == (False, False, False)
    assert now.check_password("quite-another-one")


def test_who_is_removed_while_the_password_is_changed_is_gone(bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).delete()
    with pytest.raises(NotFound):
        get_adapter().set_password(bob.user, "quite-another-one")
    assert not User.objects.exists()


CHANGE = "/accounts/password/change/"
DIFFERENT = {
    "oldpassword": "bob-password-1",
    "password1": "quite-another-one",
    "password2": "and-yet-another",
}


def test_the_page_of_a_new_password_speaks_as_the_others_do(bob: Person) -> None:
    page = bob.get(CHANGE, HTTP_ACCEPT="text/html").content.decode()
    assert re.findall(r"<label[^>]*>([^<]+)</label>", page) == [
        "Current password", "New password", "New password again",
    ]  # fmt: skip
    assert "placeholder" not in page
    assert page.count("At least 8 characters") == 1
    for fields, sentence in [
        ({**DIFFERENT, "oldpassword": "x"}, "This is not your current password."),
        (DIFFERENT, "The two passwords differ."),
        (
            {"oldpassword": "bob-password-1", "password1": "ä" * 1001, "password2": "ä" * 1001},
            "at most 1000 characters",
        ),
    ]:
        again = bob.post(CHANGE, fields, HTTP_ACCEPT="text/html").content.decode()
        assert sentence in again
        assert "same password" not in again
    assert User.objects.get(username="bob").check_password("bob-password-1")
    long = "ä" * 1000
    bob.post(CHANGE, {"oldpassword": "bob-password-1", "password1": long, "password2": long})
    assert User.objects.get(username="bob").check_password(long)


def test_who_has_no_password_sets_one(bob: Person) -> None:
    bob.user.set_unusable_password()
    bob.user.save()
    bob.client.force_login(bob.user, backend="django.contrib.auth.backends.ModelBackend")
    page = bob.get(CHANGE, HTTP_ACCEPT="text/html", follow=True).content.decode()
    assert "<h1>Set a password</h1>" in page
    bob.post("/accounts/password/set/", NEW)
    assert User.objects.get(username="bob").check_password(NEW["password1"])

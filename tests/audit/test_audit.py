"""The audit record: sign-ins and every change in the admin, who, what and from where, never a secret."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from chatsite.admin_site import Audited
from conversations.actions import audit
from conversations.models import AuditEvent, LanguageModel, Provider, User
from conversations.views.audit import described
from tests.world import JSON, Person, member

CANARY = "sk-canary-abcdefghijklmnop"


def events(*acts: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(act__in=acts).order_by("pk"))


def sign_in(name: str, password: str, **extra: Any) -> int:
    return Client().post("/accounts/login/", {"login": name, "password": password}, **extra).status_code


def test_signing_in_and_out_is_recorded_with_the_address(alice: Person) -> None:
    AuditEvent.objects.all()._raw_delete("default")
    client = Client(REMOTE_ADDR="203.0.113.7")
    client.post("/accounts/login/", {"login": "alice", "password": "alice-password-1"})
    client.post("/accounts/logout/")
    assert [(e.act, e.actor, e.actor_name, e.address) for e in events("signed_in", "signed_out")] == [
        ("signed_in", alice.user, "alice", "203.0.113.7"), ("signed_out", alice.user, "alice", "203.0.113.7"),
    ]  # fmt: skip


def test_a_failed_sign_in_names_the_person_and_never_what_was_typed(alice: Person) -> None:
    assert sign_in("alice", "wrong-password-9") == 200
    assert sign_in("my-secret-password", "x") == 200
    known, unknown = events("sign_in_failed")
    assert (known.actor, known.actor_name, known.object_id) == (None, "alice", str(alice.user.pk))
    assert (unknown.actor_name, unknown.object_id, unknown.detail) == ("", "", {})


def test_a_change_of_password_is_recorded_without_it(alice: Person) -> None:
    data = {
        "oldpassword": "alice-password-1",
        "password1": "tulip-Harvest-77",
        "password2": "tulip-Harvest-77",
    }
    assert alice.client.post("/accounts/password/change/", data).status_code == 302
    assert [event.actor for event in events("password_changed")] == [alice.user]
    assert "tulip" not in str(list(AuditEvent.objects.values()))


def test_the_admin_has_no_form_for_the_password_of_its_own(administrator: Person) -> None:
    """One that records nothing, and in which the present password can be guessed without a limit."""
    data = {"old_password": "carol-password-1", "new_password1": "tulip-77-x", "new_password2": "tulip-77-x"}
    for answer in (
        administrator.client.get("/admin/password_change/"),
        administrator.client.post("/admin/password_change/", data),
    ):
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
    before = administrator.user.password
    administrator.user.refresh_from_db()
    assert administrator.user.password == before


def test_what_people_change_about_how_they_sign_in_is_recorded(alice: Person) -> None:
    address = "/accounts/email/"
    alice.client.post(address, {"action_add": "", "email": "alice@example.org"})
    alice.client.post(address, {"action_add": "", "email": "other@example.org"})
    alice.client.post(address, {"action_remove": "", "email": "other@example.org"})
    alice.client.post("/accounts/sessions/")
    acts = ("email_added", "email_removed", "other_sessions_ended")
    assert [(event.act, event.actor) for event in events(*acts)] == [
        ("email_added", alice.user), ("email_added", alice.user), ("email_removed", alice.user),
        ("other_sessions_ended", alice.user),
    ]  # fmt: skip


def test_every_page_of_the_admin_is_audited() -> None:
    assert site._registry
    for model, page in site._registry.items():
        assert isinstance(page, Audited), model


def test_a_provider_is_added_changed_and_deleted_and_its_key_is_in_no_record(administrator: Person) -> None:
    fields = {
        "name": "New", "dialect": "anthropic", "base_url": "https://api.anthropic.com", "version": "2023-06-01",
        "enabled": "on", "new_api_key": CANARY, "extra_headers": '{"X-Secret": "' + CANARY + '"}',
    }  # fmt: skip
    assert administrator.client.post("/admin/conversations/provider/add/", fields).status_code == 302
    provider = Provider.objects.get(name="New")
    path = f"/admin/conversations/provider/{provider.pk}"
    administrator.client.post(f"{path}/change/", fields | {"name": "Newer", "new_api_key": ""})
    administrator.client.post(f"{path}/delete/", {"post": "yes"})
    added, changed, deleted = [
        event for event in events("added", "changed", "deleted") if event.object_type == "provider"
    ]
    assert added.actor == administrator.user
    assert added.object_id == changed.object_id == deleted.object_id == str(provider.pk)
    assert added.detail["values"]["new_api_key"] == "(changed)"
    assert changed.detail == {"name": "Newer", "values": {"name": "Newer"}}
    assert CANARY not in str(list(AuditEvent.objects.values()))


def test_what_djangos_own_commands_do_to_accounts_is_recorded(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", CANARY)
    call_command("createsuperuser", interactive=False, username="root", email="root@example.com", verbosity=0)
    monkeypatch.setattr("getpass.getpass", lambda prompt="": CANARY)
    call_command("changepassword", "alice")
    root = User.objects.get(username="root")
    found = events("administrator_created", "password_changed")
    assert [(event.act, event.object_id) for event in found] == [
        ("administrator_created", str(root.pk)), ("password_changed", str(alice.user.pk)),
    ]  # fmt: skip
    assert {(event.actor, event.actor_name) for event in found} == {(None, "command line")}
    assert CANARY not in str(list(AuditEvent.objects.values()))
    root.save()
    assert len(events("administrator_created", "password_changed")) == 2, "only what the commands store"


def test_groups_people_and_bulk_deletions_are_recorded(administrator: Person) -> None:
    client = administrator.client
    client.post("/admin/auth/group/add/", {"name": "Research"})
    client.post("/admin/conversations/user/add/", {
        "username": "dora", "password1": "tulip-Harvest-77", "password2": "tulip-Harvest-77", "usable_password": "true",
    })  # fmt: skip
    for number in range(3):
        Group.objects.create(name=f"Old {number}")
    old = list(Group.objects.filter(name__startswith="Old").values_list("pk", flat=True))
    client.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": old, "post": "yes"})
    found = [(event.act, event.object_type, event.detail["name"]) for event in events("added", "deleted")]
    assert found[:2] == [("added", "group", "Research"), ("added", "user", "dora")]
    assert sorted(found[2:]) == [("deleted", "group", f"Old {number}") for number in range(3)]
    assert "tulip" not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    "page",
    ["mfa/authenticator", "usersessions/usersession", "socialaccount/socialapp", "socialaccount/socialaccount",
     "socialaccount/socialtoken"],
)  # fmt: skip
def test_rows_that_are_half_of_something_are_not_edited_in_the_records(
    administrator: Person, page: str
) -> None:
    assert administrator.client.get(f"/admin/{page}/").status_code == 404


def test_an_address_that_an_administrator_calls_verified_is_recorded(
    administrator: Person, alice: Person
) -> None:
    row = EmailAddress.objects.create(user=alice.user, email="alice@example.com", primary=True)
    chosen = {"action": "make_verified", "_selected_action": [row.pk]}
    administrator.client.post("/admin/account/emailaddress/", chosen)
    row.refresh_from_db()
    assert row.verified
    (event,) = events("email_confirmed")
    assert (event.actor, event.object_id) == (administrator.user, str(alice.user.pk))


def test_somebody_with_devices_and_a_second_step_can_be_deleted(
    administrator: Person, django_capture_on_commit_callbacks: Any
) -> None:
    dora = User.objects.create_user("dora", password="dora-password-1")
    sign_in("dora", "dora-password-1")
    TOTP.activate(dora, "JBSWY3DPEHPK3PXP")
    path = f"/admin/conversations/user/{dora.pk}/delete/"
    with django_capture_on_commit_callbacks(execute=True):
        assert administrator.client.post(path, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=dora.pk).exists()


def test_a_change_in_a_list_is_recorded(administrator: Person, model: LanguageModel) -> None:
    path = f"/admin/conversations/languagemodel/{model.pk}/change/"
    fields = {
        "provider": model.provider_id, "model_id": model.model_id, "label": "Best", "capabilities": "{}",
        "prices": "{}", "position": "3",
    }  # fmt: skip
    assert administrator.client.post(path, fields).status_code == 302
    (event,) = events("changed")
    assert event.detail["values"] == {"label": "Best", "enabled": "False", "position": "3"}


def test_prices_that_cannot_be_read_are_refused(administrator: Person, model: LanguageModel) -> None:
    fields = {
        "provider": model.provider_id, "model_id": model.model_id, "label": "", "capabilities": "{}", "position": "0",
        "prices": '{"input": "free", "output": 1}',
    }  # fmt: skip
    response = administrator.client.post(f"/admin/conversations/languagemodel/{model.pk}/change/", fields)
    assert b"input must be a number of US dollars" in response.content


def test_the_record_is_append_only(administrator: Person, alice: Person) -> None:
    audit.record(alice.user, "tested")
    with pytest.raises(TypeError):
        AuditEvent.objects.all().update(act="other")
    with pytest.raises(TypeError):
        AuditEvent.objects.all().delete()
    alice.user.delete()
    event = AuditEvent.objects.get(act="tested")
    assert (event.actor, event.actor_name) == (None, "alice"), "the name outlives the person"


def test_foreign_words_stay_in_one_escaped_line(administrator: Person) -> None:
    person = User.objects.create_user("mallory")
    audit.record(
        person,
        "tested",
        name='a\nb\x1b[31m","x":1} \u202e<script>',
        **{"k\n1": ["\r\n2026-01-01 carol did it"]},
    )
    event = AuditEvent.objects.get(act="tested")
    assert event.detail == {"name": 'a b [31m","x":1} <script>', "k 1": ["2026-01-01 carol did it"]}
    text = administrator.client.get("/audit/").content.decode()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_list_that_is_cut_says_so(db: None) -> None:
    audit.record(None, "tested", fits=list(range(100)), longer=list(range(102)))
    (event,) = events("tested")
    assert event.detail["fits"] == list(range(100))
    assert event.detail["longer"] == [*range(100), "and 2 more"]


def test_the_page_filters_by_what_who_and_when_and_goes_back(administrator: Person, alice: Person) -> None:
    alice.user.username = "Álice"
    for number in range(150):
        audit.record(alice.user, "tested", number=f"n{number}.")
    audit.record(administrator.user, "other")
    first = administrator.client.get("/audit/?act=tested&person=áLI").content.decode()
    assert "n149." in first
    assert "n50." in first
    assert "n49." not in first
    oldest = events("tested")[50].pk
    second = administrator.client.get(f"/audit/?act=tested&before={oldest}").content.decode()
    assert "n49." in second
    assert "n50." not in second
    nothing = administrator.client.get("/audit/?from=2026-01-01&to=2026-01-02").content.decode()
    assert "Nothing found." in nothing


def test_the_page_says_what_it_is_limited_to_also_where_there_is_nothing(administrator: Person) -> None:
    page = administrator.client.get("/audit/?act=tested&from=2026-01-01&to=2026-01-02").content.decode()
    assert '<option value="tested" selected>Tested</option>' in page
    assert "Days are in UTC." in page, "the times beside them are in the person's own zone"


def test_the_download_has_one_line_per_event(administrator: Person) -> None:
    audit.record(None, "tested", actor_name="=cmd()", note="a\nb")
    response = administrator.client.get("/audit/download/?act=tested")
    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    row = next(csv.DictReader(io.StringIO("\n".join(lines))))
    assert (row["person"], row["detail"], row["act"]) == ("'=cmd()", "note: a b", "tested")


@pytest.mark.parametrize("path", ["/audit/", "/audit/download/"])
@pytest.mark.parametrize("who", ["member", "staff"])
def test_only_administrators_see_it(alice: Person, path: str, who: str) -> None:
    person = alice if who == "member" else member("sam", is_staff=True)
    response = person.client.get(path, **JSON)
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found")


def test_details_are_one_line_and_an_empty_list_says_so() -> None:
    assert described({"role": "member", "groups": []}) == "role: member, groups: none"
    assert described({"groups": [1, 2], "by": None}) == "groups: 1; 2, by: "

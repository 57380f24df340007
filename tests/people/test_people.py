"""What administrators do to accounts, and how soon it holds."""

from __future__ import annotations

import re
import time

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session

from conversations.actions import groups, people
from conversations.actions.errors import Invalid
from conversations.models import (
    AuditEvent,
    Conversation,
    Generation,
    Invitation,
    LanguageModel,
    Message,
    Participant,
    UsageRecord,
    User,
    Workspace,
)
from tests import patience
from tests.beside import beside
from tests.world import Person, World, member


def act(by: Person, on: Person, name: str) -> int:
    return by.post(f"/people/{on.user.pk}/act/", {"act": name}).status_code


def in_records(by: Person, on: Person, **fields: str) -> int:
    """The person's row is saved in the admin; a right that is not among `fields` is not ticked."""
    form = {
        "username": on.user.username, "theme": "system", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
        **fields,
    }  # fmt: skip
    return by.client.post(f"/admin/conversations/user/{on.user.pk}/change/", form).status_code


def test_people_are_found_by_name_and_address(administrator: Person, alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(display_name="Robert Ёж", email="bob@example.org")
    for query in ("bob", "ROBERT", "example.org", "rob example", "ёж"):
        page = administrator.get(f"/people/?q={query}", HTTP_ACCEPT="text/html").content.decode()
        assert "Robert" in page and ">alice<" not in page, query
    for odd in ("%25", "_", "\\", "'", "%00", "x" * 5000):
        assert administrator.get(f"/people/?q={odd}&page=-1", HTTP_ACCEPT="text/html").status_code == 200
    assert administrator.get(f"/people/?page={10**18}", HTTP_ACCEPT="text/html").status_code == 200


def test_people_who_show_the_same_name_are_told_apart_where_one_is_chosen(
    administrator: Person, alice: Person, bob: Person
) -> None:
    User.objects.filter(pk__in=[alice.user.pk, bob.user.pk]).update(display_name="Sam Smith")
    other = member("dora")
    Conversation.objects.create(owner=other.user)
    group = Group.objects.create(name="Survey")
    for path in (f"/people/groups/{group.pk}/", f"/people/{other.user.pk}/remove/", "/budgets/new/"):
        page = administrator.get(path, HTTP_ACCEPT="text/html").content.decode()
        assert "Sam Smith (alice)" in page and "Sam Smith (bob)" in page, path
        assert "(dora)" not in page


def test_a_deactivated_person_is_out_and_stays_out_until_signing_in_anew(
    administrator: Person, bob: Person
) -> None:
    assert act(administrator, bob, "deactivate") == 200
    assert bob.get("/").status_code == 401
    assert act(administrator, bob, "reactivate") == 200
    assert bob.get("/").status_code == 401, "the old session must not come back to life"
    assert bob.client.login(username="bob", password="bob-password-1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["page", "records"])
def test_the_answers_of_a_deactivated_person_end_as_stopped_ones(world: World, where: str) -> None:
    boss = member("boss", is_staff=True, is_superuser=True)
    sent, page = world.halfway()
    call = world.upstream.calls[-1]
    if where == "page":
        assert act(boss, world.alice, "deactivate") == 200
    else:
        assert in_records(boss, world.alice) == 302
    assert world.engine.run(call.ended()), "the provider is left"
    deadline = time.monotonic() + patience.SECONDS
    while Generation.objects.live().exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    reply = Message.objects.get(pk=sent["reply"])
    assert (reply.status, reply.text) == ("stopped", "Hi")
    assert [row.status for row in UsageRecord.objects.all()] == ["stopped"]


def test_what_is_so_already_is_not_done_and_recorded_again(administrator: Person, bob: Person) -> None:
    for name, recorded in (
        ("administrator", "administrator_made"),
        ("member", "administrator_unmade"),
        ("deactivate", "person_deactivated"),
        ("reactivate", "person_reactivated"),
    ):
        assert [act(administrator, bob, name) for _ in range(2)] == [200, 200]
        assert AuditEvent.objects.filter(act=recorded).count() == 1, name
    bob = Person(bob.user)
    assert act(administrator, bob, "member") == 200
    assert bob.get("/").status_code == 200, "a member who stays one stays signed in"


def test_only_the_sessions_of_that_person_end(administrator: Person, alice: Person, bob: Person) -> None:
    before = Session.objects.count()
    assert act(administrator, bob, "sign-out") == 200
    assert Session.objects.count() == before - 1
    assert alice.get("/").status_code == 200


def test_roles_come_and_go(administrator: Person, bob: Person) -> None:
    assert act(administrator, bob, "administrator") == 200
    assert bob.get("/people/").status_code == 200
    assert act(administrator, bob, "member") == 200
    assert bob.get("/people/").status_code == 401
    bob = Person(bob.user)
    assert bob.get("/people/").status_code == 404


@pytest.mark.parametrize("name", ["member", "deactivate"])
def test_the_last_administrator_stays_one(administrator: Person, bob: Person, name: str) -> None:
    assert act(administrator, administrator, name) == 400
    assert administrator.get("/people/").status_code == 200
    act(administrator, bob, "administrator")
    assert act(administrator, administrator, name) == 200


def test_an_administrator_who_cannot_sign_in_is_no_reason_to_lose_the_last(administrator: Person) -> None:
    member("gone", is_staff=True, is_superuser=True, is_active=False)
    with pytest.raises(Invalid):
        people.make_member(administrator.user, administrator.user)


def test_the_last_administrator_is_not_deleted_in_the_records_either(
    administrator: Person, bob: Person
) -> None:
    path = f"/admin/conversations/user/{administrator.user.pk}/delete/"
    administrator.client.raise_request_exception = False
    administrator.client.post(path, {"post": "yes"})
    assert User.objects.filter(pk=administrator.user.pk).exists()
    chosen = {"action": "delete_selected", "_selected_action": [administrator.user.pk], "post": "yes"}
    administrator.client.post("/admin/conversations/user/", chosen)
    assert User.objects.filter(pk=administrator.user.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_of_two_administrators_who_take_each_others_right_in_the_records_one_stays(
    administrator: Person,
) -> None:
    dora = member("dora", is_staff=True, is_superuser=True)

    with beside(lambda: in_records(dora, administrator, is_active="on")) as later:
        assert in_records(administrator, dora, is_active="on") == 302
    assert later[0] in (302, 400, 403), "sent to sign in, the last one, or no longer one"
    assert list(User.objects.filter(is_superuser=True)) == [administrator.user]


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_an_administrator_as_of_now_who_is_deactivated_meanwhile_holds_up_nobody(
    bob: Person, administrator: Person
) -> None:
    dora = member("dora", is_staff=True, is_superuser=True)
    assert bob.user.pk < administrator.user.pk < dora.user.pk
    with beside(
        lambda: people.deactivate(dora.user, bob.user),
        then=lambda: people.make_member(bob.user, dora.user),
    ) as deactivated:
        # As an act on administrators begins that knows of the new one; the other does not yet.
        people.make_administrator(administrator.user, bob.user)
    assert deactivated == [None]
    assert list(User.objects.filter(is_superuser=True, is_active=True)) == [administrator.user]


@pytest.mark.parametrize("where", ["page", "records"])
@pytest.mark.parametrize("how", ["member", "deactivate"])
def test_open_invitations_and_sessions_of_somebody_who_loses_the_right_end(
    administrator: Person, bob: Person, how: str, where: str
) -> None:
    act(administrator, bob, "administrator")
    bob.post("/people/invitations/", {"role": "administrator", "days": "7"})
    if where == "page":
        assert act(administrator, bob, how) == 200
    else:
        ticked = {"is_staff": "on", "is_superuser": "on"} if how == "deactivate" else {"is_active": "on"}
        assert in_records(administrator, bob, **ticked) == 302
    assert Invitation.objects.get().state == "revoked"
    assert bob.get("/").status_code == 401
    act(administrator, bob, "reactivate")
    assert bob.get("/").status_code == 401, "the old session must not come back to life"


def test_what_changes_no_right_in_the_records_ends_no_session_and_no_invitation(
    administrator: Person, bob: Person
) -> None:
    rights = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert in_records(administrator, bob, is_active="on", display_name="Bob") == 302
    assert bob.get("/").status_code == 200
    assert in_records(administrator, bob, **rights) == 302
    bob.post("/people/invitations/", {"role": "member", "days": "7"})
    assert in_records(administrator, bob, **rights, display_name="Robert") == 302
    assert bob.get("/people/").status_code == 200
    assert Invitation.objects.get().state == "open"
    assert in_records(bob, bob, is_active="on") == 302, "also of one's own right"
    assert bob.get("/").status_code == 401


def test_every_act_is_recorded(administrator: Person, bob: Person) -> None:
    for name in ("administrator", "member", "sign-out", "deactivate", "reactivate"):
        act(administrator, bob, name)
    rows = AuditEvent.objects.filter(object_id=str(bob.user.pk), actor=administrator.user)
    assert rows.count() == 5


def test_groups_are_made_filled_renamed_and_removed(administrator: Person, bob: Person) -> None:
    made = administrator.post("/people/groups/", {"name": " Harbour  Öffice "})
    group = Group.objects.get(pk=made.json()["group"])  # type: ignore[attr-defined]
    assert group.name == "Harbour Öffice"
    assert administrator.post("/people/groups/", {"name": "HARBOUR öffice"}).status_code == 400
    # Not cut: two that differ in their ends would be one.
    assert administrator.post("/people/groups/", {"name": "x" * 151}).status_code == 400
    path = f"/people/groups/{group.pk}/"
    assert administrator.post(path, {"name": "Pilots", "people": [bob.user.pk]}).status_code == 200
    assert list(bob.user.groups.values_list("name", flat=True)) == ["Pilots"]
    assert administrator.post(f"/people/{bob.user.pk}/groups/", {}).status_code == 200
    assert not bob.user.groups.exists()
    # Not with one press.
    shown = administrator.get(path, HTTP_ACCEPT="text/html").content.decode()
    assert re.search(rf'<details class="remove">[^/]*</summary>\s*<form [^>]*action="{path}remove/"', shown)
    assert administrator.post(path + "remove/").status_code == 200
    assert not Group.objects.exists()


def test_removing_a_group_never_opens_a_model_to_everybody(
    administrator: Person, model: LanguageModel
) -> None:
    group = Group.objects.create(name="Trusted")
    model.allowed_groups.add(group)
    assert administrator.post(f"/people/groups/{group.pk}/remove/").status_code == 400
    assert Group.objects.exists()


@pytest.mark.parametrize("many", [True, False])
def test_removing_groups_never_opens_a_model_to_everybody_in_the_records_either(
    administrator: Person, model: LanguageModel, many: bool
) -> None:
    last, other = (Group.objects.create(name=name) for name in ("Trusted", "Pilots"))
    model.allowed_groups.set([last, other] if many else [last])
    if many:
        chosen = {"action": "delete_selected", "_selected_action": [last.pk, other.pk], "post": "yes"}
        refused = administrator.client.post("/admin/auth/group/", chosen)
    else:
        refused = administrator.client.post(f"/admin/auth/group/{last.pk}/delete/", {"post": "yes"})
    assert refused.status_code == 400
    assert b"Only this group may use" in refused.content
    assert Group.objects.count() == 2
    assert not AuditEvent.objects.filter(object_type="group").exists()
    gone = administrator.client.post(f"/admin/auth/group/{other.pk}/delete/", {"post": "yes"})
    assert (gone.status_code, Group.objects.get()) == (302, last)


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_of_two_groups_that_are_removed_at_once_a_model_keeps_one(
    administrator: Person, model: LanguageModel
) -> None:
    one, other = (Group.objects.create(name=name) for name in ("Trusted", "Pilots"))
    model.allowed_groups.set([one, other])
    with beside(lambda: groups.remove(administrator.user, other)) as later:
        groups.remove(administrator.user, one)
    assert isinstance(later[0], Invalid)
    assert list(model.allowed_groups.all()) == [other]


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_of_two_groups_that_get_one_name_at_once_one_is_made(administrator: Person) -> None:
    with beside(lambda: groups.create(administrator.user, "Pilots")) as later:
        made = groups.create(administrator.user, "Pilots")
    assert isinstance(later[0], Invalid)
    other = Group.objects.create(name="Others")
    with beside(lambda: groups.change(administrator.user, other, "Crew", [])) as later:
        groups.change(administrator.user, made, "Crew", [])
    assert isinstance(later[0], Invalid)
    assert set(Group.objects.values_list("name", flat=True)) == {"Crew", "Others"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cause", ["deactivate", "groups", "group"])
def test_open_sockets_close(world: World, cause: str) -> None:
    boss = member("boss", is_staff=True, is_superuser=True)
    group = Group.objects.create(name="Pilots")
    world.bob.user.groups.add(group)
    conversation = Conversation.objects.create(owner=world.alice.user)
    Participant.objects.create(conversation=conversation, group=group, role="writer")
    socket = world.socket(world.bob, str(conversation.pk))
    socket.frame()
    if cause == "deactivate":
        assert act(boss, world.bob, "deactivate") == 200
    elif cause == "groups":
        assert boss.post(f"/people/{world.bob.user.pk}/groups/", {}).status_code == 200
    else:
        assert boss.post(f"/people/groups/{group.pk}/remove/").status_code == 200
    assert socket.closed() == (4401 if cause == "deactivate" else 4404)


def test_a_number_larger_than_any_id_chooses_nothing(administrator: Person, bob: Person) -> None:
    group = Group.objects.create(name="Harbour")
    for path, field in (
        (f"/people/{bob.user.pk}/groups/", "groups"),
        (f"/people/groups/{group.pk}/", "people"),
    ):
        assert administrator.post(path, {"name": "Harbour", field: "9" * 30}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/account/",
        "/budgets/new/",
        "/people/invitations/",
        "/people/{person}/remove/",
        "/people/groups/{group}/",
        "/providers/new/",
        "/models/{model}/",
        "/workspace/",
    ],
)
def test_what_is_wrong_with_a_form_is_said_to_people_and_to_programs(
    administrator: Person, alice: Person, model: LanguageModel, path: str
) -> None:
    group = Group.objects.create(name="Pilots")
    path = path.format(person=alice.user.pk, group=group.pk, model=model.pk)
    wrong = {"theme": "no", "email": "no", "context": "no"}
    page = administrator.client.post(path, wrong)
    assert (page.status_code, b"errorlist" in page.content) == (400, True)
    refused = administrator.post(path, wrong)
    error = refused.json()["error"]  # type: ignore[attr-defined]
    assert (refused.status_code, error["type"], bool(error["message"])) == (400, "invalid_request", True)


def test_forms_take_json_with_the_same_names(
    administrator: Person, bob: Person, model: LanguageModel
) -> None:
    def post(path: str, **fields: object) -> tuple[int, str]:
        response = administrator.post(path, fields, content_type="application/json")
        return response.status_code, response.content.decode()

    group = Group.objects.create(name="Pilots")
    assert post(f"/people/groups/{group.pk}/", name="Crew", people=[bob.user.pk]) == (200, '{"saved": true}')
    assert list(Group.objects.values_list("name", "user__username")) == [("Crew", "bob")]
    assert post(f"/people/{bob.user.pk}/groups/", groups=[])[0] == 200
    assert not bob.user.groups.exists()
    assert post("/account/", theme="dark")[0] == 200
    administrator.user.refresh_from_db()
    assert administrator.user.theme == "dark"
    assert post("/workspace/", name="Ours", public_links=True, starters=None)[0] == 200
    assert Workspace.objects.current().public_links
    assert post("/workspace/", name="Ours", public_links=False)[0] == 200
    assert not Workspace.objects.current().public_links
    assert post(f"/providers/{model.provider.pk}/models/", model=["one", "two"])[0] == 200
    assert LanguageModel.objects.filter(model_id__in=["one", "two"]).count() == 2
    assert post(f"/people/{bob.user.pk}/remove/", keep="nothing")[0] == 400
    many = {"name": "Crew", "people": [bob.user.pk] * settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}
    assert post(f"/people/groups/{group.pk}/", **many)[0] == 400
    for wrong in ({"keep": {"a": 1}}, {"keep": [["nothing"]]}):
        status, told = post(f"/people/{bob.user.pk}/remove/", confirm="bob", **wrong)
        assert (status, "keep must be text" in told) == (400, True)
    assert post(f"/people/{bob.user.pk}/remove/", keep="nothing", confirm="bob") == (200, '{"removed": true}')
    broken = administrator.client.post("/workspace/", "{", content_type="application/json")
    assert broken.status_code == 400
    assert b"Saved." not in administrator.client.get("/account/").content, (
        "what programs did is told to nobody"
    )

"""What somebody does to, or with, what somebody else has just removed: nothing, and never an error of the
server.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import Model

from conversations.access import NotFound
from conversations.actions import (
    attachments,
    conversations,
    groups,
    messages,
    offers,
    participants,
    people,
    removal,
    retirement,
    sharing,
    spending_limits,
)
from conversations.actions.errors import Invalid
from conversations.generation import provider_calls
from conversations.models import (
    Attachment,
    AuditEvent,
    Budget,
    Conversation,
    Invitation,
    LanguageModel,
    Message,
    Participant,
    Provider,
    ShareLink,
    UsageRecord,
    User,
)
from tests.attachments.given import attached
from tests.beside import beside
from tests.money.given import budget
from tests.world import MODEL, Person

pytestmark = pytest.mark.any_database

FIELDS = {"name": "Back again", "dialect": "anthropic", "base_url": "", "version": "1", "extra_headers": {}}
ACTS: dict[str, tuple[type[Model], Callable[[User, Any], object]]] = {
    "a group is changed": (Group, lambda by, row: groups.change(by, row, "Back again", [])),
    "a group is removed": (Group, groups.remove),
    "a provider is changed": (
        Provider,
        lambda by, row: offers.save_provider(by, row, {**FIELDS, "enabled": True}, "sk-new"),
    ),
    "a provider is removed": (Provider, retirement.remove),
    "models are added": (Provider, lambda by, row: offers.add_models(by, row, [("new", "")])),
    "a model is switched off": (
        LanguageModel,
        lambda by, row: offers.change_model(by, row, {"enabled": False}, []),
    ),
    "a model is removed": (LanguageModel, retirement.remove),
    "a group is limited": (Group, lambda by, row: spending_limits.save(by, limit(group_id=row.pk))),
    "a person is limited": (User, lambda by, row: spending_limits.save(by, limit(user_id=row.pk))),
    "a model is limited": (
        LanguageModel,
        lambda by, row: spending_limits.save(by, limit(language_model_id=row.pk)),
    ),
    "a limit is changed": (Budget, spending_limits.save),
    "a limit is removed": (Budget, spending_limits.remove),
    "a link is switched off": (ShareLink, lambda by, row: sharing.switch_link(by, row, False)),
    "a person is deactivated": (User, people.deactivate),
    "a person becomes an administrator": (User, people.make_administrator),
    "a person becomes a member": (User, people.make_member),
    "a person is put into groups": (User, lambda by, row: people.put_into_groups(by, row, [])),
    "a person is signed out": (User, people.sign_out_everywhere),
    "a conversation is copied": (
        Conversation,
        lambda by, row: conversations.fork(by, row, Message(pk=row.current_leaf_id)),
    ),
    "a link is made": (
        Conversation,
        lambda by, row: sharing.create_link(by, row, None, None, public=False),
    ),
    "a participant gets another role": (
        Participant,
        lambda by, row: participants.change_role(row, Participant.Role.WRITER),
    ),
    "a picture is described": (Attachment, lambda by, row: attachments.describe(row, "A cat")),
}


def limit(**subject: int) -> Budget:
    """One that is not stored yet."""
    return Budget(limit_microdollars=5_000_000, **subject)


@pytest.fixture
def rows(model: LanguageModel, alice: Person, bob: Person) -> dict[type[Model], Model]:
    """One of each kind that is there."""
    conversation = Conversation.objects.create(owner=alice.user)
    leaf = Message.objects.create(conversation=conversation, role="user", content=[])
    link = ShareLink.objects.create(conversation=conversation, leaf=leaf, token_hash="0")
    conversation.current_leaf = leaf
    conversation.save()
    # As a view has looked it up: what it refers to is read when it is needed.
    conversation = Conversation.objects.get()
    group = Group.objects.create(name="Pilots")
    participant = Participant.objects.create(conversation=conversation, user=bob.user)
    given = (
        group, bob.user, model.provider, model, budget(5), link, attached(alice.user), conversation, participant,
    )  # fmt: skip
    return {type(row): row for row in given}


@pytest.mark.parametrize("name", ACTS)
def test_what_is_done_to_a_row_that_is_gone_is_not_found(
    administrator: Person, rows: dict[type[Model], Model], name: str
) -> None:
    kind, act = ACTS[name]
    row = rows[kind]
    kind._default_manager.filter(pk=row.pk).delete()
    with pytest.raises(NotFound):
        act(administrator.user, row)
    assert not kind._default_manager.filter(pk=row.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/people/{bob}/groups/", {"groups": "{group}"}),
        ("/people/groups/{group}/", {"name": "Pilots", "people": "{bob}"}),
        ("/people/invitations/", {"role": "member", "days": "7", "groups": "{group}"}),
        ("/budgets/new/", {"subject": "group:{group}", "period": "day", "limit": "5"}),
        ("/models/{model}/", {"enabled": "on", "allowed_groups": "{group}"}),
    ],
)
def test_a_group_that_is_removed_while_it_is_used_is_refused(
    administrator: Person, bob: Person, model: LanguageModel, path: str, fields: dict[str, str]
) -> None:
    group = Group.objects.create(name="Pilots")
    ids = {"bob": bob.user.pk, "group": group.pk, "model": model.pk}
    data = {name: value.format(**ids) for name, value in fields.items()}
    with beside(lambda: administrator.post(path.format(**ids), data).status_code) as later:
        groups.remove(administrator.user, group)
    assert later[0] in (400, 404, 409)
    assert not (Group.objects.exists() or Invitation.objects.exists() or Budget.objects.exists())


@pytest.mark.django_db(transaction=True)
def test_a_model_that_is_removed_while_its_provider_lists_it_stays_removed(
    administrator: Person, model: LanguageModel
) -> None:
    provider = model.provider
    said = {MODEL: {"context": 5000}}
    with beside(lambda: offers.note_listed(administrator.user, provider, said)) as noted:
        retirement.remove(administrator.user, model)
    assert noted == [None]
    assert not LanguageModel.objects.filter(provider=provider).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["languagemodel", "provider"])
def test_of_several_that_are_deleted_in_the_records_all_go_or_none(
    administrator: Person, model: LanguageModel, kind: str
) -> None:
    first = model if kind == "languagemodel" else model.provider
    theirs = Provider.objects.create(name="Theirs", dialect="anthropic", base_url="http://127.0.0.1:9")
    other = LanguageModel.objects.create(provider=theirs, model_id=MODEL)
    second = other if kind == "languagemodel" else other.provider
    data = {"action": "delete_selected", "_selected_action": [first.pk, second.pk], "post": "yes"}

    def delete() -> int:
        return administrator.client.post(f"/admin/conversations/{kind}/", data).status_code

    with beside(delete) as later:
        type(first)._default_manager.filter(pk=first.pk).delete()
    if later == [404]:
        assert type(second)._default_manager.get(pk=second.pk).enabled
        assert set(AuditEvent.objects.values_list("act", flat=True)) <= {"signed_in"}
    else:
        assert later == [302], "it had not looked yet"
        assert not type(second)._default_manager.filter(pk=second.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [User, Group, Provider, LanguageModel, Budget])
def test_what_is_removed_while_it_is_saved_in_the_records_does_not_come_back(
    administrator: Person, rows: dict[type[Model], Model], kind: type[Model]
) -> None:
    row = rows[kind]
    path = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    form = administrator.client.get(path).context["adminform"].form
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        if isinstance(value, datetime):
            data |= {f"{field.html_name}_0": value.date(), f"{field.html_name}_1": value.time()}
        elif value is not None and value is not False:
            data[field.html_name] = value

    def save() -> int:
        return administrator.client.post(path, data).status_code

    assert save() == 302
    with beside(save) as later:
        kind._default_manager.filter(pk=row.pk).delete()
    # Without the row there is a page that says so.
    assert later[0] in (302, 404)
    assert not kind._default_manager.filter(pk=row.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [LanguageModel, Provider])
def test_what_a_test_call_cost_counts_also_when_its_model_has_been_removed_meanwhile(
    administrator: Person, model: LanguageModel, kind: type[Model]
) -> None:
    asked = LanguageModel.objects.select_related("provider").get()
    with beside(lambda: provider_calls.try_model(administrator.user, asked).works) as tried:
        kind._default_manager.all().delete()
    assert tried == [False]
    row = UsageRecord.objects.get()
    assert (row.model, row.error_type, row.language_model) == (MODEL, "connect", None)


@pytest.mark.parametrize(
    "act",
    [
        lambda by, row: messages.send(by, row, "Hello", uuid.uuid4(), owner="somebody"),
        lambda by, row: conversations.change_settings(by, row, "", {}),
        lambda by, row: conversations.change_settings(by, row, MODEL, {}),
        lambda by, row: conversations.fork(by, row, Message.objects.get(conversation=row)),
    ],
    ids=["send", "parameters", "model", "copy"],
)
def test_a_conversation_goes_on_whose_model_is_removed_meanwhile(
    model: LanguageModel, alice: Person, act: Callable[[User, Conversation], object]
) -> None:
    gone = LanguageModel.objects.create(provider=model.provider, model_id="gone")
    id = Conversation.objects.create(owner=alice.user, language_model=gone).pk
    Message.objects.create(conversation_id=id, role="user", content=[])
    conversation = Conversation.objects.get(pk=id)
    LanguageModel.objects.filter(pk=gone.pk).delete()
    act(alice.user, conversation)
    assert set(Conversation.objects.values_list("language_model", flat=True)) <= {None, model.pk}


def test_what_would_have_replaced_a_replacement_may_be_gone(
    administrator: Person, model: LanguageModel
) -> None:
    gone = LanguageModel.objects.create(provider=model.provider, model_id="gone")
    id = LanguageModel.objects.create(provider=model.provider, model_id="next", replacement=gone).pk
    replacement = LanguageModel.objects.get(pk=id)
    LanguageModel.objects.filter(pk=gone.pk).delete()
    offers.change_model(administrator.user, model, {"replacement": replacement}, [])
    model.refresh_from_db()
    assert model.replacement == replacement


def test_who_is_being_removed_inherits_nothing(administrator: Person, alice: Person, bob: Person) -> None:
    Conversation.objects.create(owner=alice.user)
    removal.begin(administrator.user, bob.user, removal.Keep.NOTHING, None)
    assert bob.user.is_active, "as it was looked up before"
    with pytest.raises(Invalid):
        removal.remove(administrator.user, alice.user, removal.Keep.ALL, bob.user)
    removal.finish(bob.user)
    assert Conversation.objects.get().owner == alice.user


def test_a_model_that_is_gone_is_not_moved(administrator: Person, model: LanguageModel) -> None:
    path = f"/models/{model.pk}/move/"
    assert administrator.post(path, {"to": "up"}).status_code == 200
    model.delete()
    assert administrator.post(path, {"to": "up"}).status_code == 404

"""Providers, models and the workspace's settings, as administrators set them."""

from __future__ import annotations

import hashlib
import html
import json
import re
import threading
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from conversations.actions import ledger, offers, refused_keys
from conversations.actions.choices import model_for
from conversations.actions.providers import sync_environment
from conversations.generation import context
from conversations.generation.sweeper import sweep
from conversations.models import (
    AuditEvent,
    Conversation,
    Generation,
    LanguageModel,
    Provider,
    UsageRecord,
    User,
    Workspace,
)
from tests import patience
from tests.beside import beside, is_waiting
from tests.fake_upstream import Call, FakeUpstream, faults, wire
from tests.fake_upstream.steps import Reply, Step
from tests.upstream.test_models import NEW_MODEL
from tests.world import MODEL, Person, finished, wait_for

HTML = {"HTTP_ACCEPT": "text/html"}
KEY = "sk-other-0123456789abcdefWXYZ"


def fields(**more: Any) -> dict[str, Any]:
    return {
        "name": "Ours", "dialect": "anthropic", "base_url": "http://127.0.0.1:9", "api_key": KEY,
        "version": "2023-06-01", "extra_headers": "", "enabled": "on", **more,
    }  # fmt: skip


def test_a_provider_is_added_and_its_key_is_never_shown(administrator: Person) -> None:
    headers = "anthropic-beta: one\nX-Team: secret-value"
    response = administrator.post("/providers/new/", fields(extra_headers=headers), **HTML)
    row = Provider.objects.get(name="Ours")
    assert response["Location"] == f"/providers/{row.pk}/"
    assert row.extra_headers == {"anthropic-beta": "one", "X-Team": "secret-value"}
    assert (row.api_key.reveal(), row.api_key_last4) == (KEY, "WXYZ")
    for path in (f"/providers/{row.pk}/", "/providers/"):
        page = administrator.get(path, **HTML).content.decode()
        assert KEY not in page and "secret-value" not in page
        assert "WXYZ" in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_of_two_providers_that_get_one_name_at_once_one_is_added(administrator: Person) -> None:
    with beside(lambda: administrator.post("/providers/new/", fields())) as later:
        assert administrator.post("/providers/new/", fields(), **HTML).status_code == 302
    assert later[0].status_code == 400
    assert "already a provider with this name" in later[0].json()["error"]["message"]
    assert Provider.objects.filter(name="Ours").count() == 1


def test_saving_without_a_key_keeps_it_and_hidden_headers_too(administrator: Person) -> None:
    administrator.post("/providers/new/", fields(extra_headers="X-Team: secret-value"), **HTML)
    row = Provider.objects.get(name="Ours")
    changed = fields(api_key="", name="Renamed", extra_headers="X-Team: ••••")
    assert administrator.post(f"/providers/{row.pk}/", changed, **HTML).status_code == 302
    told = administrator.post(f"/providers/{row.pk}/", changed)
    assert (told.status_code, told.json()) == (200, {"provider": row.pk}), "a program gets JSON"  # type: ignore[attr-defined]
    row.refresh_from_db()
    assert (row.name, row.api_key.reveal(), row.extra_headers) == ("Renamed", KEY, {"X-Team": "secret-value"})


def test_headers_are_encrypted_at_rest_and_rotated(administrator: Person, settings: Any) -> None:
    administrator.post("/providers/new/", fields(extra_headers="X-Team: secret-value"), **HTML)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM conversations_provider")
        assert "secret-value" not in str(cursor.fetchall())
    old, fresh = settings.FIELD_ENCRYPTION_KEYS, "x" * 43 + "="
    settings.FIELD_ENCRYPTION_KEYS = [fresh, *old]
    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = [fresh]
    row = Provider.objects.get(name="Ours")
    assert (row.extra_headers, row.api_key.reveal()) == ({"X-Team": "secret-value"}, KEY)


def test_a_lost_encryption_key_leaves_a_page_to_enter_headers_anew(
    administrator: Person, settings: Any
) -> None:
    administrator.post("/providers/new/", fields(extra_headers="X-Team: secret-value"), **HTML)
    row = Provider.objects.get(name="Ours")
    settings.FIELD_ENCRYPTION_KEYS = ["x" * 43 + "="]
    assert administrator.get(f"/providers/{row.pk}/", **HTML).status_code == 200
    again = fields(extra_headers="X-Team: another")
    assert administrator.post(f"/providers/{row.pk}/", again, **HTML).status_code == 302
    row.refresh_from_db()
    assert row.extra_headers == {"X-Team": "another"}


def test_in_the_records_headers_are_masked_kept_and_changed(administrator: Person, bob: Person) -> None:
    administrator.post("/providers/new/", fields(extra_headers="X-Team: secret-value"), **HTML)
    row = Provider.objects.get(name="Ours")
    path = f"/admin/conversations/provider/{row.pk}/change/"
    bob.user.is_staff = True
    bob.user.save()
    bob.user.user_permissions.add(Permission.objects.get(codename="view_provider"))
    for person in (administrator, bob):
        page = person.get(path, **HTML).content.decode()
        assert "X-Team" in page and "secret-value" not in page
    kept = fields(new_api_key="", extra_headers='{"X-Team": "••••", "X-More": "1"}')
    assert administrator.client.post(path, kept).status_code == 302
    row.refresh_from_db()
    assert row.extra_headers == {"X-Team": "secret-value", "X-More": "1"}
    for wrong in ("[1]", '{"X": 1}', '{"X": "a\\nb"}', "{"):
        assert administrator.client.post(path, fields(extra_headers=wrong)).status_code == 200


@pytest.mark.parametrize("path", ["/providers/{}/", "/admin/conversations/provider/{}/change/"])
def test_no_secret_follows_to_another_address(administrator: Person, path: str) -> None:
    administrator.post("/providers/new/", fields(extra_headers="X-Team: secret-value"), **HTML)
    row = Provider.objects.get(name="Ours")
    kept = '{"X-Team": "••••"}' if "admin" in path else "X-Team: ••••"
    for given in ({"api_key": "", "extra_headers": ""}, {"new_api_key": KEY, "extra_headers": kept}):
        moved = fields(base_url="http://127.0.0.1:10", **given)
        assert b"The address has changed" in administrator.client.post(path.format(row.pk), moved).content
    row.refresh_from_db()
    assert (row.base_url, row.extra_headers) == ("http://127.0.0.1:9", {"X-Team": "secret-value"})


def test_a_key_does_not_follow_to_another_address(administrator: Person) -> None:
    administrator.post("/providers/new/", fields(), **HTML)
    row = Provider.objects.get(name="Ours")
    moved = fields(api_key="", base_url="http://127.0.0.1:10")
    assert administrator.post(f"/providers/{row.pk}/", moved, **HTML).status_code == 400
    row.refresh_from_db()
    assert row.base_url == "http://127.0.0.1:9"


@pytest.mark.parametrize("path", ["/providers/{}/", "/admin/conversations/provider/{}/change/"])
def test_an_address_that_no_client_reads_is_refused_and_one_of_before_can_be_mended(
    administrator: Person, path: str
) -> None:
    administrator.post("/providers/new/", fields(), **HTML)
    row = Provider.objects.get(name="Ours")
    headers = "{}" if "admin" in path else ""
    unread = fields(base_url="http://0177.0.0.1", new_api_key=KEY, extra_headers=headers)
    assert (
        b"The base URL is not an address." in administrator.client.post(path.format(row.pk), unread).content
    )
    Provider.objects.filter(pk=row.pk).update(base_url="http://0177.0.0.1")
    mended = fields(base_url="http://127.0.0.1:10", new_api_key=KEY, extra_headers=headers)
    assert administrator.client.post(path.format(row.pk), mended).status_code == 302
    row.refresh_from_db()
    assert row.base_url == "http://127.0.0.1:10"


def test_one_endpoint_is_one_upstream_however_its_address_is_written() -> None:
    def upstream_of(base_url: str, dialect: str = "anthropic") -> str:
        return Provider(dialect=dialect, base_url=base_url).upstream

    host = "https://api.anthropic.com"
    written = ("", host, f"{host}/", f"{host}/v1/", f" {host}/v1/messages", "https://API.anthropic.com")
    assert len({upstream_of(one) for one in written}) == 1
    others = (upstream_of("https://elsewhere.test"), upstream_of(host, "aimlapi"), upstream_of("no address"))
    assert len({upstream_of(host), *others}) == 4


def test_answers_from_before_an_upgrade_stay_with_their_upstream(alice: Person) -> None:
    migration = import_module("conversations.migrations.0019_upstream_whatever_its_spelling")
    Provider.objects.update(base_url="https://api.anthropic.com/v1/")
    id = alice.start()["generation"]
    for before in ("anthropic https://api.anthropic.com/v1/", "anthropic https://elsewhere.test"):
        digest = hashlib.sha256(before.encode()).hexdigest()[:16]
        Generation.objects.update(upstream=digest)
        migration.to_one_spelling(apps, None)
        kept = Generation.objects.get(pk=id).upstream
        assert kept == (digest if "elsewhere" in before else Provider.objects.get().upstream)


@pytest.mark.parametrize("path", ["/providers/{}/", "/admin/conversations/provider/{}/change/"])
def test_what_a_list_said_of_models_does_not_follow_to_another_address(
    administrator: Person, path: str
) -> None:
    administrator.post("/providers/new/", fields(base_url=""), **HTML)
    row = Provider.objects.get(name="Ours")
    model = row.language_models.create(model_id="one", listed={"context": 5000})
    for base_url, left in (
        ("https://api.anthropic.com/v1/", {"context": 5000}),
        ("http://127.0.0.1:10", {}),
    ):
        given = fields(base_url=base_url, new_api_key=KEY)
        if "admin" in path:
            given["extra_headers"] = "{}"
        assert administrator.client.post(path.format(row.pk), given).status_code == 302
        model.refresh_from_db()
        assert model.listed == left
    row.refresh_from_db()
    assert (row.base_url, row.api_key.reveal()) == ("http://127.0.0.1:10", KEY)


def test_in_the_records_a_provider_is_added_as_on_its_page(administrator: Person) -> None:
    given = fields(
        base_url="https://api.anthropic.com/v1/", new_api_key=f" {KEY} ", extra_headers='{"X-Team": "1"}'
    )
    assert administrator.client.post("/admin/conversations/provider/add/", given).status_code == 302
    row = Provider.objects.get(name="Ours")
    assert (row.base_url, row.api_key.reveal()) == ("https://api.anthropic.com", KEY)
    assert (row.extra_headers, row.enabled) == ({"X-Team": "1"}, True)


@pytest.mark.parametrize(
    "wrong",
    [{"base_url": "ftp://x"}, {"base_url": "http://user@host"}, {"dialect": "demo"}, {"api_key": "a b"},
     {"extra_headers": "no colon"}, {"extra_headers": "A: b\x01"}, {"name": ""}, {"name": "Fake"}],
)  # fmt: skip
def test_what_cannot_be_right_is_refused(administrator: Person, wrong: dict[str, str]) -> None:
    response = administrator.post("/providers/new/", fields(**wrong), **HTML)
    assert response.status_code == 400
    assert KEY.encode() not in response.content
    assert Provider.objects.count() == 1


def test_the_environments_provider_is_read_only(administrator: Person) -> None:
    Provider.objects.update(source="environment")
    row = Provider.objects.get()
    administrator.post(f"/providers/{row.pk}/", fields(), **HTML)
    assert administrator.post(f"/providers/{row.pk}/remove/").status_code == 400
    row.refresh_from_db()
    assert row.name == "Fake"


def test_a_test_makes_a_real_call_for_one_token_and_books_it(
    administrator: Person, upstream: FakeUpstream
) -> None:
    Provider.objects.update(base_url=upstream.url)
    model = LanguageModel.objects.get()
    response = administrator.post(f"/models/{model.pk}/test/")
    assert response.json()["works"] is True  # type: ignore[attr-defined]
    assert MODEL in response.json()["message"]  # type: ignore[attr-defined]
    assert upstream.calls[-1].body["max_tokens"] == 1
    row = UsageRecord.objects.get()
    assert (row.purpose, row.user, row.status) == ("test", administrator.user, "completed")


class Refusing(FakeUpstream):
    """Takes no key."""

    def steps_for(self, call: Call) -> list[Step]:
        return faults.fault(6)


class Unlisted(FakeUpstream):
    """Answers, but not with a list."""

    def steps_for(self, call: Call) -> list[Step]:
        return [Reply(404, wire.error_body("not_found_error", "Not Found"))]


def test_a_provider_without_a_list_is_no_model_that_is_gone(administrator: Person) -> None:
    """Of RockAPI nobody knows one (messages-api 1.2)."""
    with Unlisted() as unlisted:
        Provider.objects.update(base_url=unlisted.url)
        page = administrator.post(f"/providers/{Provider.objects.get().pk}/list/", **HTML).content.decode()
    assert "There is no list of models" in page and "no longer available" not in page


class Listing(FakeUpstream):
    """Has a list of models, in two pages."""

    def steps_for(self, call: Call) -> list[Step]:
        if "after_id=one" in call.path:
            page: dict[str, Any] = {
                "data": [{"id": "two"}, {"id": 3}, {"id": MODEL}, "odd"],
                "has_more": False,
            }
        else:
            page = {"data": [{"id": "one", "display_name": "Model One"}], "has_more": True, "last_id": "one"}
        return [Reply(200, json.dumps(page).encode())]


def test_the_providers_own_list_is_offered_without_what_is_here(
    administrator: Person, model: LanguageModel
) -> None:
    with Listing() as listing:
        Provider.objects.update(base_url=listing.url)
        page = administrator.post(f"/providers/{model.provider_id}/list/", **HTML).content.decode()
    assert [call.method for call in listing.calls] == ["GET", "GET"]
    assert re.findall('name="model" value="([^"]+)"', page) == ["one", "two"]
    assert "Model One" in page


def test_a_program_gets_the_list_as_json(administrator: Person, model: LanguageModel) -> None:
    path = f"/providers/{model.provider_id}/list/"
    with Listing() as listing:
        Provider.objects.update(base_url=listing.url)
        told = administrator.post(path).json()  # type: ignore[attr-defined]
    assert told == {
        "models": [
            {"id": "one", "name": "Model One", "capabilities": {}}, {"id": "two", "name": "", "capabilities": {}},
        ]
    }  # fmt: skip
    with Unlisted() as unlisted:
        Provider.objects.update(base_url=unlisted.url)
        refused = administrator.post(path)
    assert refused.status_code == 400
    assert "There is no list" in refused.json()["error"]["message"]  # type: ignore[attr-defined]


def test_calls_to_a_provider_by_an_administrator_are_on_the_record(
    administrator: Person, model: LanguageModel
) -> None:
    with Listing() as listing:
        Provider.objects.update(base_url=listing.url)
        administrator.post(f"/providers/{model.provider_id}/list/")
        administrator.post(f"/models/{model.pk}/test/")
    events = AuditEvent.objects.filter(act__in=["models_listed", "model_tested"]).order_by("pk")
    assert [(event.act, event.actor, event.object_type, event.object_id) for event in events] == [
        ("models_listed", administrator.user, "provider", str(model.provider_id)),
        ("model_tested", administrator.user, "languagemodel", str(model.pk)),
    ]


class ListingWithCapabilities(FakeUpstream):
    """Says of a model that is newer than this program what it can do."""

    def steps_for(self, call: Call) -> list[Step]:
        here = {"id": MODEL, "type": "model", "max_input_tokens": 150_000}
        return [Reply(200, json.dumps({"data": [NEW_MODEL, here, {"id": "older"}]}).encode())]


def test_a_model_from_the_list_is_asked_for_what_the_list_says_that_it_can_do(
    administrator: Person, model: LanguageModel
) -> None:
    with ListingWithCapabilities() as listing:
        Provider.objects.update(base_url=listing.url)
        page = administrator.post(f"/providers/{model.provider_id}/list/", **HTML).content.decode()
    model.refresh_from_db()
    assert (model.listed, model.can.context, model.can.max_output) == ({"context": 150_000}, 150_000, 64_000)
    shown = re.search('name="listed" value="([^"]+)"', page)
    assert shown is not None
    chosen = {"model": "claude-opus-6", "listed": html.unescape(shown[1])}
    administrator.post(f"/providers/{model.provider_id}/models/", chosen)
    row = LanguageModel.objects.get(model_id="claude-opus-6")
    sent = administrator.start(model="claude-opus-6", thinking="on", effort="max", max_tokens="200000")
    generation = Generation.objects.get(pk=sent["generation"])
    request = context.prepare(generation).request
    assert request.thinking == {"type": "adaptive", "display": "summarized"}
    assert (request.output_config, request.max_tokens) == ({"effort": "max"}, 200_000)
    assert request.cache_control is not None
    page = administrator.get(f"/models/{row.pk}/", **HTML).content.decode()
    assert 'value="2000000"' in page
    administrator.post(f"/models/{row.pk}/", {"label": "", "context": "2000000", "max_output": "1000"})
    row.refresh_from_db()
    assert row.capabilities == {"max_output": 1000}, "an administrator's word goes before the list's"
    assert row.can.max_output == 1000
    moved = fields(name="Fake", base_url="http://elsewhere.test")
    administrator.post(f"/providers/{model.provider_id}/", moved, **HTML)
    row.refresh_from_db()
    assert row.listed == {}, "another service said that"


@pytest.mark.parametrize("listed", ["[", "[]", '{"new": 5}', '{"new": {"context": "long"}}'])
def test_what_a_list_cannot_have_said_is_refused(
    administrator: Person, model: LanguageModel, listed: str
) -> None:
    path = f"/providers/{model.provider_id}/models/"
    assert administrator.post(path, {"model": "new", "listed": listed}).status_code == 400
    assert not LanguageModel.objects.filter(model_id="new").exists()


class MixedListing(FakeUpstream):
    """A list of everything that a gateway has, in AI/ML API's shape."""

    def steps_for(self, call: Call) -> list[Step]:
        def row(id: str, developer: str, type: str = "chat-completion", *aliases: str) -> dict[str, Any]:
            info = {"name": id.title(), "developer": developer}
            return {"id": id, "type": type, "info": info, "aliases": [*aliases, 7]}

        rows = [
            row("anthropic/claude-opus-4.5", "Anthropic", "chat-completion", MODEL),
            row("anthropic/claude-haiku-4.5", "Anthropic"),
            row("gpt-x", "Open AI"),
            row("painter", "Open AI", "image"),
        ]
        return [Reply(200, json.dumps({"data": rows}).encode())]


@pytest.mark.parametrize(
    ("dialect", "offered"),
    [
        ("aimlapi", ["anthropic/claude-haiku-4.5"]),
        ("openai_chat", ["anthropic/claude-haiku-4.5", "gpt-x"]),
    ],
)
def test_of_a_gateways_list_only_what_can_chat_is_offered_and_nothing_under_another_name(
    administrator: Person, model: LanguageModel, dialect: str, offered: list[str]
) -> None:
    with MixedListing() as listing:
        Provider.objects.update(base_url=listing.url, dialect=dialect)
        page = administrator.post(f"/providers/{model.provider_id}/list/", **HTML).content.decode()
    assert re.findall('name="model" value="([^"]+)"', page) == offered


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
@pytest.mark.parametrize("in_records", [True, False])
def test_when_the_last_two_models_are_switched_off_at_once_the_demo_answers(
    administrator: Person, model: LanguageModel, in_records: bool
) -> None:
    other = LanguageModel.objects.create(provider=model.provider, model_id="other")

    def switch_off(row: LanguageModel) -> None:
        if not in_records:
            offers.change_model(administrator.user, row, {"enabled": False}, [])
            return
        given = {
            "provider": row.provider_id, "model_id": row.model_id, "position": 0, "prices": "{}", "capabilities": "{}",
        }  # fmt: skip
        path = f"/admin/conversations/languagemodel/{row.pk}/change/"
        assert administrator.client.post(path, given).status_code == 302

    with beside(lambda: switch_off(other)):
        switch_off(model)
    assert [row.model_id for row in LanguageModel.objects.usable_by(administrator.user)] == ["demo"]


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("kind", ["provider", "languagemodel"])
def test_the_records_remove_a_model_as_the_page_does(
    administrator: Person,
    alice: Person,
    model: LanguageModel,
    django_capture_on_commit_callbacks: Any,
    kind: str,
    many: bool,
) -> None:
    finished(alice.start()["generation"])
    pk = model.provider_id if kind == "provider" else model.pk
    path, data = f"/admin/conversations/{kind}/", {"post": "yes"}
    if many:
        data |= {"action": "delete_selected", "_selected_action": str(pk)}
    with django_capture_on_commit_callbacks(execute=True):
        done = administrator.client.post(path if many else f"{path}{pk}/delete/", data)
    assert done.status_code == 302
    assert not LanguageModel.objects.filter(pk=model.pk).exists()
    assert Generation.objects.get().language_model is None
    assert AuditEvent.objects.filter(act__in=("model_removed", "provider_removed")).count() == 1
    assert LanguageModel.objects.usable_by(alice.user)[0].model_id == "demo", (
        "nobody is left without an answer"
    )


@pytest.mark.parametrize("kind", ["provider", "languagemodel"])
def test_while_the_last_one_is_switched_off_in_the_records_the_demo_answers(
    administrator: Person, model: LanguageModel, kind: str
) -> None:
    pk = model.provider_id if kind == "provider" else model.pk
    given = fields(name="Fake", new_api_key=KEY, extra_headers="{}") | {
        "provider": model.provider_id, "model_id": MODEL, "position": 0, "prices": "{}", "capabilities": "{}",
    }  # fmt: skip
    off = {name: value for name, value in given.items() if name != "enabled"}
    for sent, answering in ((off, "demo"), (given, MODEL)):
        saved = administrator.client.post(f"/admin/conversations/{kind}/{pk}/change/", sent)
        assert saved.status_code == 302
        usable = LanguageModel.objects.usable_by(administrator.user)
        assert [row.model_id for row in usable] == [answering]


def test_a_list_that_cannot_be_had_is_a_sentence(administrator: Person, model: LanguageModel) -> None:
    page = administrator.post(f"/providers/{model.provider_id}/list/", **HTML)
    assert page.status_code == 200 and b"outcome--problem" in page.content


def test_a_test_says_plainly_what_failed(administrator: Person) -> None:
    model = LanguageModel.objects.get()
    told = administrator.post(f"/models/{model.pk}/test/").json()  # type: ignore[attr-defined]
    assert told["works"] is False and "reach" in told["message"]
    with Refusing() as refusing:
        Provider.objects.update(base_url=refusing.url)
        told = administrator.post(f"/models/{model.pk}/test/").json()  # type: ignore[attr-defined]
    assert told["works"] is False and "key" in told["message"] and "401" in told["message"]
    assert "sk-canary" not in told["message"]
    assert list(UsageRecord.objects.values_list("error_type", flat=True)) == ["connect", "auth"]


def test_models_are_typed_in_and_known_ones_stay(administrator: Person, model: LanguageModel) -> None:
    path = f"/providers/{model.provider_id}/models/"
    added = administrator.post(path, {"model": ["claude-haiku-4-5", MODEL]}).json()["added"]  # type: ignore[attr-defined]
    assert added == ["claude-haiku-4-5"]
    assert administrator.post(path, {"model": " "}).status_code == 400
    assert LanguageModel.objects.count() == 2


def test_what_a_model_costs_is_prefilled_and_stored_only_where_it_differs(
    administrator: Person, model: LanguageModel
) -> None:
    path = f"/models/{model.pk}/"
    page = administrator.get(path, **HTML).content.decode()
    assert 'name="input" value="5"' in page
    same = {
        "label": "", "enabled": "on", "context": "200000", "max_output": "64000", "input": "5", "output": "25",
        "cache_read": "0.50",
    }  # fmt: skip
    assert administrator.post(path, same).status_code == 200
    model.refresh_from_db()
    assert (model.prices, model.capabilities, model.enabled) == ({}, {}, True)
    administrator.post(path, {**same, "input": "6", "max_output": "1000", "label": "House model"})
    model.refresh_from_db()
    assert model.prices == {"input": 6, "output": 25, "cache_read": 0.5}
    assert (model.capabilities, model.label) == ({"max_output": 1000}, "House model")
    assert administrator.post(path, {**same, "output": ""}).status_code == 400


def test_a_price_of_the_list_is_never_mixed_with_those_that_were_entered(
    administrator: Person, model: LanguageModel
) -> None:
    path = f"/models/{model.pk}/"
    entered = {"enabled": "on", "input": "50", "output": "250"}
    administrator.post(path, entered)
    assert 'name="cache_read" value' not in administrator.get(path, **HTML).content.decode()
    model.refresh_from_db()
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 1}
    assert ledger.price(model, MODEL, usage, None, "") == 5


def test_prices_of_cache_writes_stay_also_beside_those_of_the_list(
    administrator: Person, model: LanguageModel
) -> None:
    model.prices = prices = {"input": 5, "output": 25, "cache_read": 0.5, "cache_write_5m": 7}
    model.save()
    shown = {"input": "5", "output": "25", "cache_read": "0.5"}
    administrator.post(f"/models/{model.pk}/", {"enabled": "on", "label": "House model", **shown})
    model.refresh_from_db()
    assert (model.label, model.prices) == ("House model", prices)


@pytest.mark.parametrize(
    ("dialect", "base_url"),
    [("rockapi", ""), ("aimlapi", ""), ("openai_chat", "https://api.aimlapi.com/v1")],
)
def test_what_a_gateways_model_costs_is_what_is_entered_also_where_that_is_the_list_price(
    administrator: Person, model: LanguageModel, dialect: str, base_url: str
) -> None:
    Provider.objects.update(dialect=dialect, base_url=base_url)
    path = f"/models/{model.pk}/"
    assert 'name="input" value' not in administrator.get(path, **HTML).content.decode()
    prices = {"input": "5", "output": "25", "cache_read": "0.5"}
    assert administrator.post(path, {"enabled": "on", **prices}).status_code == 200
    model.refresh_from_db()
    assert ledger.price(model, MODEL, {"input_tokens": 1, "output_tokens": 1}, None, "") == 30


def test_a_model_may_be_for_groups_alone(administrator: Person, alice: Person, model: LanguageModel) -> None:
    group = Group.objects.create(name="Pilots")
    administrator.post(f"/models/{model.pk}/", {"enabled": "on", "allowed_groups": [group.pk]})
    assert LanguageModel.objects.usable_by(alice.user) == []
    alice.user.groups.add(group)
    assert LanguageModel.objects.usable_by(alice.user) == [model]


def test_a_retired_model_hands_its_conversations_to_its_replacement(
    administrator: Person, alice: Person, model: LanguageModel
) -> None:
    first = LanguageModel.objects.create(provider=model.provider, model_id="first", position=0)
    heir = LanguageModel.objects.create(provider=model.provider, model_id="heir", position=9)
    conversation = Conversation.objects.create(owner=alice.user, language_model=model)
    yesterday = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    administrator.post(
        f"/models/{model.pk}/", {"enabled": "on", "retired_at": yesterday, "replacement": heir.pk}
    )
    assert model_for(alice.user, Conversation.objects.get(pk=conversation.pk), "") == heir
    assert model not in LanguageModel.objects.usable_by(alice.user)
    heir.allowed_groups.add(Group.objects.create(name="Pilots"))
    assert model_for(alice.user, Conversation.objects.get(pk=conversation.pk), "") == first
    circle = administrator.post(f"/models/{heir.pk}/", {"enabled": "on", "replacement": model.pk})
    assert circle.status_code == 400


@pytest.mark.parametrize(
    ("day", "shown"), [("2030-01-31", "until 31 Jan 2030"), ("0001-01-01", "until 1 Jan 0001")]
)
def test_the_day_of_a_models_end_is_shown_as_it_was_entered(
    administrator: Person, model: LanguageModel, day: str, shown: str
) -> None:
    User.objects.update(time_zone="America/Los_Angeles")
    administrator.post(f"/models/{model.pk}/", {"enabled": "on", "retired_at": day})
    assert shown in administrator.get("/providers/", **HTML).content.decode()
    assert f'value="{day}"' in administrator.get(f"/models/{model.pk}/", **HTML).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_model_answers_until_its_date_and_the_demo_from_then_on(
    administrator: Person, alice: Person, model: LanguageModel
) -> None:
    tomorrow = f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"
    administrator.post(f"/models/{model.pk}/", {"enabled": "on", "retired_at": tomorrow})
    assert LanguageModel.objects.usable_by(alice.user) == [model]
    sweep()
    assert LanguageModel.objects.usable_by(alice.user) == [model]
    assert f'<option value="{model.pk}"' in administrator.get("/workspace/", **HTML).content.decode()
    LanguageModel.objects.update(retired_at=timezone.now())
    assert LanguageModel.objects.usable_by(alice.user) == []
    assert f'<option value="{model.pk}"' not in administrator.get("/workspace/", **HTML).content.decode()
    sweep()
    assert [row.model_id for row in LanguageModel.objects.usable_by(alice.user)] == ["demo"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
@pytest.mark.parametrize("what", ["model", "provider"])
def test_what_people_use_all_the_time_can_be_removed(
    administrator: Person, alice: Person, model: LanguageModel, what: str
) -> None:
    """An answer of it runs, and when all that refers to it has gone a message is sent."""
    running = alice.start()["generation"]
    sent: list[dict[str, Any]] = []

    def send() -> None:
        try:
            sent.append(alice.start())
        finally:
            connection.close()

    others = threading.Thread(target=send)

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('DELETE FROM "conversations_languagemodel" ') and others.ident is None:
            others.start()
            wait_for(lambda: not others.is_alive() or is_waiting())
        return execute(sql, *rest)

    id = model.pk if what == "model" else model.provider_id
    with connection.execute_wrapper(meanwhile):
        assert administrator.post(f"/{what}s/{id}/remove/").status_code == 200
    others.join(patience.SECONDS)
    assert not LanguageModel.objects.filter(pk=model.pk).exists()
    assert Generation.objects.get(pk=sent[0]["generation"]).model == "demo"
    assert finished(running).text == "Hi."
    assert UsageRecord.objects.get().language_model is None


def test_the_order_of_the_picker_changes_one_place_at_a_time(
    administrator: Person, model: LanguageModel
) -> None:
    second = LanguageModel.objects.create(provider=model.provider, model_id="second", position=1)
    administrator.post(f"/models/{second.pk}/move/", {"to": "up"})
    assert LanguageModel.objects.usable_by(administrator.user) == [second, model]
    administrator.post(f"/models/{second.pk}/move/", {"to": "up"})
    assert LanguageModel.objects.usable_by(administrator.user) == [second, model]
    for nowhere in ({}, {"to": "top"}):
        assert administrator.post(f"/models/{model.pk}/move/", nowhere).status_code == 400
    assert LanguageModel.objects.usable_by(administrator.user) == [second, model]


def test_the_demo_answers_only_while_nobody_else_does(administrator: Person, model: LanguageModel) -> None:
    administrator.post(f"/models/{model.pk}/", {})
    assert [row.model_id for row in LanguageModel.objects.usable_by(administrator.user)] == ["demo"]
    administrator.post(f"/models/{model.pk}/", {"enabled": "on"})
    assert [row.model_id for row in LanguageModel.objects.usable_by(administrator.user)] == [MODEL]


def test_the_workspace_is_set_in_plain_fields(
    administrator: Person, alice: Person, model: LanguageModel
) -> None:
    given = {
        "name": " North  wind ", "default_model": model.pk, "system_prompt": "Be brief.",
        "starters": "One\n\n Two ", "public_links": "on",
    }  # fmt: skip
    assert administrator.post("/workspace/", given).status_code == 200
    workspace = Workspace.objects.get()
    assert (workspace.name, workspace.starters, workspace.public_links) == (
        "North wind",
        ["One", "Two"],
        True,
    )
    assert b"North wind" in alice.get("/", **HTML).content
    assert administrator.post("/workspace/", {**given, "starters": "1\n2\n3\n4\n5"}).status_code == 400


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_the_workspaces_system_prompt_is_stored_and_measured_as_a_conversations_own(
    administrator: Person, alice: Person, model: LanguageModel, settings: Any, ending: str
) -> None:
    limit = settings.SYSTEM_MAX_CHARACTERS
    wanted = "You work for Acme.\n".ljust(limit, "x")
    given = {"name": "Ours", "system_prompt": f"  {wanted.replace(chr(10), ending)} "}
    assert administrator.post("/workspace/", given).status_code == 200
    sent = alice.start("Hello")
    begun = Conversation.objects.get(pk=sent["conversation"])
    assert begun.parameters == {"system": wanted}
    own = {"system": given["system_prompt"]}
    assert alice.post(f"/conversations/{begun.pk}/settings/", own).json() == {"parameters": begun.parameters}
    longer = given | {"system_prompt": wanted + "x"}
    assert administrator.post("/workspace/", longer).status_code == 400


def test_a_model_is_chosen_by_the_name_that_it_has_everywhere(
    administrator: Person, model: LanguageModel
) -> None:
    other = LanguageModel.objects.create(provider=model.provider, model_id="claude-haiku-5-5")
    for address in ("/workspace/", f"/models/{model.pk}/"):
        page = administrator.get(address, **HTML).content.decode()
        assert f'<option value="{other.pk}">Claude Haiku 5.5</option>' in page


def test_administrators_are_told_of_a_refused_key_until_it_is_another_or_works(
    administrator: Person, alice: Person
) -> None:
    row = Provider.objects.get()
    said = "was refused at the last call"

    def pages(person: Person) -> list[bool]:
        conversation = Conversation.objects.filter(owner=person.user).first()
        paths = ["/", *([f"/conversations/{conversation.pk}/totals/"] if conversation else [])]
        if person is administrator:
            paths += ["/providers/", f"/providers/{row.pk}/"]
        return [said in person.get(path, **HTML).content.decode() for path in paths]

    def ask(**outcome: Any) -> None:
        finished(administrator.start()["generation"], **outcome)

    refused: dict[str, Any] = {"status": "failed", "error": {"type": "auth", "message": "Refused."}}
    ask()
    assert not any(pages(administrator))
    ask(**refused)
    alice.start()
    assert all(pages(administrator))
    assert not any(pages(alice))
    ask()
    assert not any(pages(administrator))
    ask(**refused)
    kept = fields(name="Fake", api_key="")
    administrator.post(f"/providers/{row.pk}/", kept, **HTML)
    assert all(pages(administrator)), "the key is still the same"
    administrator.post(f"/providers/{row.pk}/", {**kept, "api_key": KEY}, **HTML)
    assert not any(pages(administrator))


def test_a_refused_key_of_the_environment_is_told_until_the_server_has_another(
    administrator: Person, settings: Any
) -> None:
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = KEY, ""
    Provider.objects.update(enabled=False)
    sync_environment()
    row = Provider.objects.get(source="environment")
    refused: dict[str, Any] = {"status": "failed", "error": {"type": "auth", "message": "Refused."}}
    finished(administrator.start()["generation"], **refused)
    sync_environment()
    page = administrator.get(f"/providers/{row.pk}/", **HTML).content.decode()
    assert "was refused at the last call" in page and "in the server's environment" in page
    settings.ANTHROPIC_API_KEY = KEY[::-1]
    sync_environment()
    assert "was refused at the last call" not in administrator.get("/", **HTML).content.decode()


def test_members_pay_nothing_for_what_administrators_are_told(
    administrator: Person, alice: Person, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert refused_keys.told_to(alice.user) == []
    with django_assert_num_queries(1):
        assert refused_keys.told_to(administrator.user) == []


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("prices", "", {}),
        ("capabilities", "", {}),
        ("capabilities", '{"context": 32000}', {"context": 32000}),
        ("capabilities", "[1]", None),
        ("capabilities", '{"context": "long"}', None),
        ("capabilities", '{"thinking": "adaptive"}', None),
        ("capabilities", '{"context": 1, "max_output": 1}', {"context": 1, "max_output": 1}),
        ("capabilities", '{"context": 0}', None),
        ("capabilities", '{"max_output": -1}', None),
    ],
)
def test_records_of_models_take_what_pages_can_read(
    administrator: Person, model: LanguageModel, name: str, value: str, stored: Any
) -> None:
    given = {
        "provider": model.provider_id, "model_id": model.model_id, "label": "", "position": 0, "enabled": "on",
        "prices": "{}", "capabilities": "{}", name: value,
    }  # fmt: skip
    answer = administrator.client.post(f"/admin/conversations/languagemodel/{model.pk}/change/", given)
    assert answer.status_code == (200 if stored is None else 302)
    model.refresh_from_db()
    assert getattr(model, name) == (stored or {})
    assert administrator.get("/", **HTML).status_code == 200


@pytest.mark.parametrize(
    ("value", "stored"), [("", []), ('["One", "Two"]', ["One", "Two"]), ('{"a": 1}', None), ("[1]", None)]
)
def test_the_record_of_the_workspace_takes_starting_points_that_pages_can_read(
    administrator: Person, value: str, stored: Any
) -> None:
    Workspace.objects.create(pk=1)
    given = {"name": "Ours", "default_model": "", "system_prompt": "", "starters": value}
    answer = administrator.client.post("/admin/conversations/workspace/1/change/", given)
    assert answer.status_code == (200 if stored is None else 302)
    assert Workspace.objects.get().starters == (stored or [])
    assert administrator.get("/", **HTML).status_code == 200

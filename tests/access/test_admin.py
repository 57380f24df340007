"""Who may do what in Django's admin: every page and every action of it times everybody who might try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern

from conversations.models import AuditEvent
from tests.world import Person

from .people import ADMINISTER, PEOPLE

SIGN_IN = "/accounts/login/?next="
# Open to everybody, since they only lead to the one way in and out.
OPEN = {"login", "logout"}


def paths(patterns: list[Any], above: str = "/admin/") -> list[str]:
    """An address of each pattern, the first row's where one is asked for."""
    found = []
    for pattern in patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found += [path] if pattern.name and pattern.name not in OPEN else []
        else:
            found += paths(pattern.url_patterns, path)
    return [_filled(path) for path in found]


def _filled(path: str) -> str:
    for name in ("<path:object_id>", "<path:content_type_id>", "<id>"):
        path = path.replace(name, "1")
    return path.replace("^(?P<app_label>conversations|auth|account)/$", "conversations/")


PATHS = paths(admin.site.urls[0])
ACTIONS = [
    (f"/admin/{model._meta.app_label}/{model._meta.model_name}/", name)
    for model, options in admin.site._registry.items()
    for name in ("delete_selected", *(options.actions or ()))
]


def is_refused(client: Client, method: str, path: str, data: dict[str, Any] | None = None) -> bool:
    answer = getattr(client, method)(path, data or {})
    return answer.status_code in (403, 404) or (
        answer.status_code == 302 and (answer["Location"].startswith((SIGN_IN, "/admin/login/")))
    )


def test_the_table_has_every_model_of_the_admin() -> None:
    assert not any(mark in path for path in PATHS for mark in "<>^(")
    for model in admin.site._registry:
        assert f"/admin/{model._meta.app_label}/{model._meta.model_name}/1/delete/" in PATHS


@pytest.mark.parametrize(
    "who", [*(who for who, rights in PEOPLE.items() if ADMINISTER not in rights), "nobody"]
)
def test_all_of_it_is_closed_to_everybody_else(
    who: str, person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    client = Client() if who == "nobody" else person(who).client
    before = (Group.objects.count(), LogEntry.objects.count(), AuditEvent.objects.count())
    assert [
        path for path in PATHS for method in ("get", "post") if not is_refused(client, method, path)
    ] == []
    for path, name in ACTIONS:
        assert is_refused(client, "post", path, {"action": name, "_selected_action": "1", "post": "yes"}), (
            path
        )
    assert (Group.objects.count(), LogEntry.objects.count(), AuditEvent.objects.count()) == before


def test_a_member_is_refused_and_not_sent_to_sign_in(
    person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    for path in PATHS:
        assert person("stranger").client.get(path).status_code == 403, path


def test_somebody_deactivated_is_signed_out_of_it(
    person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    boss = person("boss")
    boss.user.is_active = False
    boss.user.save()
    assert [path for path in PATHS if not is_refused(boss.client, "get", path)] == []


@pytest.mark.parametrize("path", PATHS)
def test_none_of_it_fails_for_an_administrator(
    path: str, person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    boss = person("boss").client
    # The second is a field of Django's own pop-ups that was left empty.
    for address in (path, f"{path}?_to_field="):
        assert boss.get(address).status_code < 500


@pytest.mark.parametrize("id", ["abc", "", "1.5", "9" * 30, "0e3ff6a1-5d5b-4b4e-9d56-1d0a4f4b2f6a"])
def test_an_action_on_what_can_be_no_row_is_a_bad_request(
    id: str, person: Callable[[str], Person], sent: dict[str, Any]
) -> None:
    boss = person("boss").client
    for path, name in ACTIONS:
        answer = boss.post(path, {"action": name, "_selected_action": ["1", id]})
        # A page without actions shows its list.
        assert answer.status_code == (200 if "/workspace/" in path else 400), path

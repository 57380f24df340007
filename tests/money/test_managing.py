"""Administrators set spending limits on pages of their own, and see what is used of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group

from conversations.models import AuditEvent, Budget, LanguageModel
from tests.money.given import budget
from tests.world import Person, finished


def save(by: Person, path: str = "new", **fields: Any) -> int:
    data = {"subject": "workspace", "period": "month", "limit": "5", **fields}
    return by.post(f"/budgets/{path}/", data).status_code


def page(by: Person, path: str = "") -> str:
    return by.get(f"/budgets/{path}", HTTP_ACCEPT="text/html").content.decode()


@pytest.mark.any_database
@pytest.mark.parametrize("of", ["workspace", "group", "user", "language_model"])
def test_a_limit_is_made_for_whom_it_is_meant(
    administrator: Person, alice: Person, model: LanguageModel, of: str
) -> None:
    group = Group.objects.create(name="Research")
    row: Any = {"group": group, "user": alice.user, "language_model": model}.get(of)
    subject = f"{of}:{row.pk}" if row is not None else "workspace"
    assert save(administrator, subject=subject, period="day", limit="0.25") == 200
    made = Budget.objects.get()
    columns = {"group": made.group, "user": made.user, "language_model": made.language_model}
    assert {name: value for name, value in columns.items() if value is not None} == ({of: row} if row else {})
    assert (made.period, made.limit_microdollars) == ("day", 250_000)
    assert made.subject in page(administrator)
    assert f'value="{subject}" selected' in page(administrator, f"{made.pk}/")


@pytest.mark.any_database
def test_what_is_used_and_held_back_is_shown(administrator: Person, alice: Person) -> None:
    budget(1)
    finished(alice.start()["generation"], usage={"input_tokens": 50_000, "output_tokens": 0})
    alice.start("Still running")
    text = page(administrator)
    assert re.search(r"Workspace, each day.*?\$0\.250 of \$1\.00 · 25 %", text, re.DOTALL)
    assert re.search(r"\$0\.4\d+ more is held back for running answers", text)


def test_a_change_holds_for_the_next_send(administrator: Person, alice: Person) -> None:
    limit = budget(5, user=alice.user)
    subject = f"user:{alice.user.pk}"
    assert save(administrator, str(limit.pk), subject=subject, period="day", limit="0") == 200
    assert alice.post("/conversations/", {"text": "Hello"}).status_code == 402
    assert administrator.post(f"/budgets/{limit.pk}/remove/").status_code == 200
    assert alice.post("/conversations/", {"text": "Hello"}).status_code == 201


@pytest.mark.any_database
@pytest.mark.parametrize(
    "fields",
    [
        {"limit": "-1"},
        {"limit": "0.001"},
        {"limit": "free"},
        {"limit": "10000001"},
        {"period": "year"},
        {"subject": "user:999999"},
        {"subject": "password:1"},
        {"period": "day"},
    ],
)
def test_a_limit_that_makes_no_sense_or_is_there_is_refused(
    administrator: Person, fields: dict[str, Any]
) -> None:
    budget(1)
    assert save(administrator, **fields) == 400
    assert Budget.objects.count() == 1


def test_every_change_is_recorded(administrator: Person) -> None:
    save(administrator, limit="5")
    made = Budget.objects.get()
    save(administrator, str(made.pk), limit="7.50")
    administrator.post(f"/budgets/{made.pk}/remove/")
    events = AuditEvent.objects.filter(object_type="budget", actor=administrator.user).order_by("pk")
    assert [(event.act, event.detail.get("limit_usd")) for event in events] == [
        ("budget_added", 5.0), ("budget_changed", 7.5), ("budget_removed", None),
    ]  # fmt: skip
    assert {event.detail["name"] for event in events} == {"Workspace, each month"}


def test_the_records_use_the_same_form(administrator: Person, alice: Person) -> None:
    fields = {"subject": f"user:{alice.user.pk}", "period": "day", "limit": "1.50"}
    assert administrator.client.post("/admin/conversations/budget/add/", fields).status_code == 302
    assert Budget.objects.get(user=alice.user).limit_microdollars == 1_500_000
    assert administrator.client.post("/admin/conversations/budget/add/", fields).status_code == 200
    assert "$1.50" in administrator.client.get("/admin/conversations/budget/").content.decode()

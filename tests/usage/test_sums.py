"""Whatever was called when, by whom and how it ended: the page's figures of any period are those of the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import combinations_with_replacement
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.actions import ledger
from conversations.models import UsageDayTotal, UsageMonth, UsageRecord, User
from conversations.views.period import Period
from conversations.views.usage_figures import Line, figures_of
from tests.money.given import all_happened_on

FIRST = date(2025, 12, 20)
# Ends and beginnings of months are where sums go wrong.
_OFFSETS = (0, 12, 13, 41, 42, 43)
_DAYS = st.sampled_from(_OFFSETS)
_AMOUNTS = st.none() | st.integers(0, 10_000)
_CALL = st.fixed_dictionaries(
    {
        "day": _DAYS,
        "user": st.sampled_from(["ann", "ben", None]),
        "model": st.sampled_from(["large", "small"]),
        "error_type": st.sampled_from(["", "", "busy", "timeout"]),
        "input_tokens": _AMOUNTS,
        "cache_read_input_tokens": _AMOUNTS,
        "cost_microdollars": _AMOUNTS,
        "presumed_microdollars": _AMOUNTS,
        "first_token_ms": _AMOUNTS,
    }
)
_FIGURES = ("calls", "input_tokens", "cache_read_input_tokens", "cost_microdollars", "presumed_microdollars")


@pytest.fixture
def people(db: None) -> dict[str | None, User | None]:
    return {None: None, **{name: User.objects.create_user(name) for name in ("ann", "ben")}}


@given(calls=st.lists(_CALL, min_size=3, max_size=12), batch=st.integers(1, 5))
@settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
def test_figures_of_any_period_are_those_of_the_ledger(
    people: dict[str | None, User | None], calls: list[dict[str, Any]], batch: int
) -> None:
    forget_all()
    rows = [_record(people, call) for call in calls]
    for begun in range(0, len(rows), batch):
        ledger.store(rows[begun : begun + batch])
    for first, last in combinations_with_replacement(_OFFSETS, 2):
        period = Period(FIRST + timedelta(days=first), FIRST + timedelta(days=last))
        compare(period, rows, None)
    compare(Period(FIRST, period.last), rows, people["ann"])


def compare(period: Period, rows: list[UsageRecord], user: User | None) -> None:
    counted = [row for row in rows if period.first <= row.created_at.date() <= period.last]
    if user is not None:
        counted = [row for row in counted if row.user == user]
    figures = figures_of(period, user)
    assert _sums([figures.total]) == _expected(counted, lambda row: "Total")
    assert _sums(figures.days) == _expected(counted, lambda row: row.created_at.date().isoformat())
    assert _sums(figures.models) == _expected(counted, lambda row: row.model)
    assert dict(figures.errors) == Counter(row.error_type for row in counted if row.error_type)
    if user is None:
        everybody = _expected(
            counted, lambda row: row.user.name if row.user else "Removed accounts and commands"
        )
        assert _sums(figures.people) == everybody


def forget_all() -> None:
    UsageRecord.objects.all().delete()
    all_happened_on(FIRST)


def _record(people: dict[str | None, User | None], call: dict[str, Any]) -> UsageRecord:
    at = datetime(FIRST.year, FIRST.month, FIRST.day, 23, 59, tzinfo=UTC) + timedelta(days=call["day"])
    columns = call | {"user": people[call["user"]], "status": "failed" if call["error_type"] else "completed"}
    del columns["day"]
    return UsageRecord(created_at=at, **columns)


def _sums(lines: list[Line]) -> dict[str, tuple[int, ...]]:
    found = {line.label: tuple(getattr(line, name) for name in _FIGURES) for line in lines}
    return {label: figures for label, figures in found.items() if figures[0]}


def _expected(rows: list[UsageRecord], label: Any) -> dict[str, tuple[int, ...]]:
    found: dict[str, Counter[str]] = {}
    for row in rows:
        sums = found.setdefault(label(row), Counter())
        sums.update({"calls": 1, **{name: getattr(row, name) or 0 for name in _FIGURES[1:]}})
    return {one: tuple(sums[name] for name in _FIGURES) for one, sums in found.items()}


def test_an_upgrade_sums_up_what_was_called_before_it(people: dict[str | None, User | None]) -> None:
    migration = import_module("conversations.migrations.0010_month_sums_thinking_time_removed_people")
    usual = {"input_tokens": 7, "cache_read_input_tokens": None, "first_token_ms": None, "error_type": ""}
    for day, user, cost in ((0, "ann", 5), (12, "ann", None), (12, None, 3), (40, "ben", 2)):
        call = {"day": day, "user": user, "model": "large", "cost_microdollars": cost} | usual
        ledger.store([_record(people, call | {"presumed_microdollars": None})])
    made = [_rows(table) for table in (UsageDayTotal, UsageMonth)]
    UsageDayTotal.objects.all().delete()
    UsageMonth.objects.all().delete()
    migration.sum_up(apps, None)
    assert [_rows(table) for table in (UsageDayTotal, UsageMonth)] == made


def _rows(table: type[Model]) -> list[dict[str, Any]]:
    rows = table._default_manager.order_by("key").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]

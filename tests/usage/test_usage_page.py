"""The usage page: whose figures it shows, what they add up to, and the download that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from conversations.actions import usage_totals
from conversations.models import UsageRecord
from conversations.views.period import Period
from conversations.views.usage_figures import figures_of, percentile
from tests.money.given import all_happened_on, budget
from tests.world import Person, finished

DAY = date(2026, 1, 31)
USAGE = {"input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 3000}


def answered(person: Person, **fields: Any) -> None:
    finished(person.start()["generation"], **({"usage": USAGE} | fields))


def page(person: Person, query: str = "") -> str:
    response = person.get(f"/usage/{query}", HTTP_ACCEPT="text/html")
    assert response.status_code == 200
    return response.content.decode()


def downloaded(person: Person, query: str = "") -> list[dict[str, str]]:
    response = person.client.get(f"/usage/download/{query}")
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_an_administrator_sees_everybody_and_a_member_only_their_own(
    alice: Person, bob: Person, administrator: Person
) -> None:
    answered(alice)
    answered(bob)
    assert "alice" in page(administrator)
    assert "bob" in page(administrator)
    assert "bob" not in page(alice)
    assert {row["person"] for row in downloaded(administrator)} == {"alice", "bob"}
    assert {row["person"] for row in downloaded(alice)} == {"alice"}
    assert downloaded(administrator, "?whose=mine") == []
    all_happened_on(DAY)
    assert figures_of(Period(DAY, DAY), alice.user).total.calls == 1


def test_staff_without_the_right_sees_only_their_own(alice: Person) -> None:
    alice.user.is_staff = True
    alice.user.save()
    assert "Your usage" in page(alice)


def test_the_figures_add_up(alice: Person, bob: Person) -> None:
    research = Group.objects.create(name="Research")
    alice.user.groups.add(research)
    answered(alice)
    answered(alice)
    answered(bob, status="failed", usage=None, usage_is_final=False, error={"type": "busy", "message": ""})
    all_happened_on(DAY)
    figures = figures_of(Period(DAY - timedelta(days=6), DAY), None)
    cost = 1000 * 5 + 100 * 25 + 1500
    total = figures.total
    assert (total.calls, total.cost_microdollars, total.unknown_costs) == (3, 2 * cost, 1)
    assert (total.prompt_tokens, total.output_tokens, total.cache_share) == (8000, 200, 75)
    assert [line.calls for line in figures.days] == [0, 0, 0, 0, 0, 0, 3]
    assert [(line.label, line.calls) for line in figures.people] == [("alice", 2), ("bob", 1)]
    assert [(line.label, line.calls) for line in figures.groups] == [("Research", 2), ("No group", 1)]
    assert figures.errors == [("busy", 1)]


def test_people_of_one_name_are_told_apart(alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        answered(person)
        person.user.display_name = "Sam Smith"
        person.user.save()
    all_happened_on(DAY)
    figures = figures_of(Period(DAY, DAY), None)
    assert [line.label for line in figures.people] == ["Sam Smith (alice)", "Sam Smith (bob)"]


def test_other_days_are_left_out(alice: Person) -> None:
    answered(alice)
    all_happened_on(date(2026, 1, 31))
    assert figures_of(Period(date(2026, 2, 1), date(2026, 2, 28)), None).total.calls == 0
    assert figures_of(Period(date(2026, 1, 31), date(2026, 1, 31)), None).total.calls == 1


def test_the_wait_for_the_first_token_is_told_to_a_tenth(alice: Person) -> None:
    rows = [
        UsageRecord(user=alice.user, model="m", status="completed", first_token_ms=wait)
        for wait in [500] * 90 + [4000] * 10
    ]
    UsageRecord.objects.bulk_create(rows)
    all_happened_on(DAY)
    for user in (None, alice.user):
        waits = figures_of(Period(DAY, DAY), user).waits
        assert waits.p50 == pytest.approx(500, rel=0.1)
        assert waits.p95 == pytest.approx(4000, rel=0.1)
    assert percentile({}, 50) is None


@pytest.mark.parametrize("wait", [0, 1, 7, 100, 12_345, 900_000])
def test_a_bucket_is_at_most_a_tenth_away(wait: int) -> None:
    found = usage_totals.milliseconds_of(usage_totals.bucket_of(wait))
    assert found == pytest.approx(wait, rel=0.1, abs=1)


@pytest.mark.parametrize(
    "query",
    [
        "?from=nonsense&to=%00",
        "?from=9999-12-31",
        "?from=0001-01-01&to=0001-01-01",
        "?to=2999-01-01&from=2026-13-01",
    ],
)
def test_odd_periods_are_no_error(alice: Person, query: str) -> None:
    assert "Your usage" in page(alice, query)
    downloaded(alice, query)


def test_a_chart_says_how_high_it_is_and_none_is_drawn_of_nothing(alice: Person) -> None:
    nothing = page(alice)
    assert "Nothing was charged in this period." in nothing
    assert "chart__svg" not in nothing
    answered(alice)
    text = page(alice)
    assert "Nothing was charged" not in text
    # Opus 4.5: 5 in, 25 out, 0.5 read per million.
    assert re.findall(r'class="chart__top"[^>]*>([^<]+)<', text)[:2] == ["$0.0090", "4,100"]


def test_the_line_of_waits_is_drawn_from_the_second_day_on(alice: Person) -> None:
    UsageRecord.objects.create(user=alice.user, model="m", status="completed", first_token_ms=500)
    text = page(alice)
    assert "in half of the answers" in text and 'class="line-' not in text
    yesterday = datetime.now(UTC) - timedelta(days=1)
    UsageRecord.objects.create(
        user=alice.user, model="m", status="completed", first_token_ms=500, created_at=yesterday
    )
    assert 'class="line-' in page(alice)


def test_limits_are_shown_with_what_they_hold(alice: Person, administrator: Person) -> None:
    budget(0.01)
    answered(alice)
    assert re.search(r"Workspace, each day.*?\$0\.0090 of \$0\.010 · 90 %", page(administrator), re.DOTALL)
    assert "Spending limits" not in page(alice), "only one's own"
    budget(1, user=alice.user)
    assert "alice, each day" in page(alice)


def test_the_page_has_no_inline_style_or_script_and_escapes_names(
    alice: Person, administrator: Person
) -> None:
    alice.user.display_name = "<img src=x onerror=alert(1)>"
    alice.user.save()
    answered(alice)
    text = page(administrator)
    assert "<img src=x" not in text
    assert " style=" not in text
    assert "<script" not in text
    assert text.count('<svg class="chart__svg"') >= 2
    assert text.count("<title>") >= 30, "every bar says what it is"


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", " \n=1", "＝1"])
def test_the_download_holds_no_formula(alice: Person, administrator: Person, name: str) -> None:
    alice.user.display_name = name
    alice.user.save()
    answered(alice)
    (row,) = downloaded(administrator)
    assert row["person"].startswith("'")
    assert "\n" not in row["person"]


def test_the_download_can_be_summed_up_by_person_and_group_as_the_page_is(
    alice: Person, bob: Person, administrator: Person
) -> None:
    for person, groups in ((alice, ["Survey", "=Research"]), (bob, [])):
        person.user.display_name = "Sam Smith"
        person.user.save()
        person.user.groups.set([Group.objects.create(name=name) for name in groups])
        answered(person)
    found = {row["username"]: (row["person"], row["groups"]) for row in downloaded(administrator)}
    assert found == {"alice": ("Sam Smith", "'=Research; Survey"), "bob": ("Sam Smith", "")}


def test_the_download_is_every_call_and_streams(alice: Person, administrator: Person) -> None:
    same = datetime.now(UTC)
    UsageRecord.objects.bulk_create(
        UsageRecord(
            user=alice.user,
            model=f"model-{number}",
            status="completed",
            created_at=same,
            cost_microdollars=number,
        )
        for number in range(2500)
    )
    response = administrator.client.get("/usage/download/")
    assert response.streaming
    pieces = list(response.streaming_content)  # type: ignore[attr-defined]
    assert len(pieces) == 3
    rows = list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))
    assert [row["model"] for row in rows] == [f"model-{number}" for number in range(2500)]
    assert [rows[number]["cost_usd"] for number in (0, 1, 41)] == ["0.000000", "0.000001", "0.000041"]
    assert rows[0]["first_token_ms"] == ""

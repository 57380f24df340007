"""The figures of the usage page, from the sums of the ledger by day and month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from django.db.models import Q, QuerySet, Sum

from ..actions.usage_totals import bucket_of, milliseconds_of
from ..models import FirstTokenDay, UsageDay, UsageDayTotal, UsageMonth, UsageRecord, User
from .money import UNKNOWN, dollars
from .period import Period, after_month

_SUMMED = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "cache_read_input_tokens",
    "server_tool_requests",
    "cost_microdollars",
    "unknown_costs",
    "presumed_microdollars",
)


@dataclass(slots=True)
class Line:
    """Sums of some calls; `label` says of which. Tokens by kind, money in micro-dollars."""

    label: str
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_5m_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    server_tool_requests: int = 0
    cost_microdollars: int = 0
    unknown_costs: int = 0
    presumed_microdollars: int = 0

    @property
    def cache_write_tokens(self) -> int:
        return self.cache_creation_5m_input_tokens + self.cache_creation_1h_input_tokens

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_write_tokens + self.cache_read_input_tokens

    @property
    def cache_share(self) -> int:
        """Percent of the prompts that came from the cache."""
        return round(100 * self.cache_read_input_tokens / self.prompt_tokens) if self.prompt_tokens else 0

    @property
    def cost(self) -> str:
        return dollars(self.cost_microdollars)

    @property
    def presumed(self) -> str:
        return dollars(self.presumed_microdollars)

    def add(self, row: dict[str, Any]) -> None:
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + (row[name] or 0))


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds to the first token, to about a tenth; None without any answer."""

    label: date | str
    p50: int | None
    p95: int | None

    @property
    def half(self) -> str:
        return _seconds(self.p50)

    @property
    def most(self) -> str:
        return _seconds(self.p95)


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the page shows of a period."""

    total: Line
    days: list[Line]
    people: list[Line]
    groups: list[Line]
    models: list[Line]
    errors: list[tuple[str, int]]
    waits: Waits
    waits_by_day: list[Waits]


def figures_of(period: Period, user: User | None) -> Figures:
    """The figures of this person's calls, or of everybody's (None). Every day of the period has its line."""
    days = (period.first, period.last)
    rows: QuerySet[Any] = UsageDayTotal.objects.filter(day__range=days)
    if user is not None:
        rows = UsageDay.objects.filter(day__range=days, user=user)
    by_day = {day: Line(day.isoformat()) for day in period.days}
    total = Line("Total")
    models: dict[str, Line] = {}
    errors: Counter[str] = Counter()
    # One walk over the sums for three of the breakdowns: each of its own would take as long.
    for row in _grouped(rows, "day", "model", "error_type"):
        by_day[row["day"]].add(row)
        models.setdefault(row["model"], Line(row["model"])).add(row)
        total.add(row)
        if row["error_type"]:
            errors[row["error_type"]] += row["calls"]
    people, groups = ([], []) if user is not None else _people(period)
    overall, daily = _waits(_buckets(period) if user is None else _own_buckets(period, user), period)
    return Figures(
        total=total,
        days=list(by_day.values()),
        people=people,
        groups=groups,
        models=_sorted(models.values()),
        errors=sorted(errors.items(), key=lambda pair: (-pair[1], pair[0])),
        waits=overall,
        waits_by_day=daily,
    )


def groups_of_people() -> dict[int, list[str]]:
    """The names of the groups that people are in now, by person; who is in none is left out."""
    found: dict[int, list[str]] = defaultdict(list)
    named = User.objects.exclude(groups=None).order_by("groups__name")
    for pk, group in named.values_list("pk", "groups__name"):
        found[pk].append(group)
    return found


def _people(period: Period) -> tuple[list[Line], list[Line]]:
    """By person, and by group: somebody in two groups counts in both. Whole months come from their own sums."""
    everybody = list(User.objects.only("username", "display_name"))
    bearers = Counter(user.name for user in everybody)
    names = {user.pk: user.choice if bearers[user.name] > 1 else user.name for user in everybody}
    groups_of = groups_of_people()
    months = period.whole_months
    loose = Q(day__range=(period.first, period.last))
    if months:
        loose &= Q(day__lt=months[0]) | Q(day__gte=after_month(months[-1]))
    people: dict[int | None, Line] = {}
    groups: dict[str, Line] = {}
    for rows in (UsageMonth.objects.filter(month__in=months), UsageDay.objects.filter(loose)):
        for row in _grouped(rows, "user"):
            label = names.get(row["user"], "Removed accounts and commands")
            people.setdefault(row["user"], Line(label)).add(row)
            for name in groups_of.get(row["user"]) or ["No group"]:
                groups.setdefault(name, Line(name)).add(row)
    return _sorted(people.values()), _sorted(groups.values()) if groups_of else []


def _grouped(rows: QuerySet[Any], *names: str) -> Iterable[dict[str, Any]]:
    # Each sum goes by its column's own name, which Django takes only for expressions on values().
    sums = {f"sum_{column}": Sum(column) for column in _SUMMED}
    for row in rows.order_by().values(*names).annotate(**sums):
        yield {**{name: row[name] for name in names}, **{column: row[f"sum_{column}"] for column in _SUMMED}}


def _sorted(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.cost_microdollars, -line.calls, line.label))


def _buckets(period: Period) -> Iterable[tuple[date, int, int]]:
    rows = FirstTokenDay.objects.filter(day__range=(period.first, period.last))
    return rows.order_by().values_list("day", "bucket", "calls")


def _own_buckets(period: Period, user: User) -> Iterable[tuple[date, int, int]]:
    """One person's from the ledger itself: sums by person would be nearly as many as the calls."""
    rows = UsageRecord.objects.filter(user=user, created_at__gte=period.begins, created_at__lt=period.ends)
    for time, wait in rows.exclude(first_token_ms=None).values_list("created_at", "first_token_ms"):
        yield time.astimezone(UTC).date(), bucket_of(wait or 0), 1


def _waits(rows: Iterable[tuple[date, int, int]], period: Period) -> tuple[Waits, list[Waits]]:
    everything: dict[int, int] = defaultdict(int)
    by_day: dict[date, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for day, bucket, calls in rows:
        everything[bucket] += calls
        by_day[day][bucket] += calls
    daily = [Waits(day, percentile(by_day[day], 50), percentile(by_day[day], 95)) for day in period.days]
    return Waits("All", percentile(everything, 50), percentile(everything, 95)), daily


def percentile(buckets: dict[int, int], percent: int) -> int | None:
    """Milliseconds that this share of the answers took at most."""
    wanted = sum(buckets.values()) * percent / 100
    reached = 0
    for bucket in sorted(buckets):
        reached += buckets[bucket]
        if reached >= wanted:
            return milliseconds_of(bucket)
    return None


def _seconds(milliseconds: int | None) -> str:
    if milliseconds is None:
        return UNKNOWN
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"

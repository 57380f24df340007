"""The days that a page of figures is about, from its address. Used by the usage and audit pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.http import HttpRequest

_DEFAULT_DAYS = 30
_LONGEST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Period:
    """Days of UTC, both ends included."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        return datetime.combine(self.first, time.min, UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time.min, UTC)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def whole_months(self) -> list[date]:
        """The first days of the months that lie in it from end to end."""
        month = self.first if self.first.day == 1 else after_month(self.first)
        found = []
        while (following := after_month(month)) <= self.last + timedelta(days=1):
            found.append(month)
            month = following
        return found

    @property
    def query(self) -> str:
        return f"from={self.first.isoformat()}&to={self.last.isoformat()}"


def after_month(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def period_of(request: HttpRequest) -> Period:
    """`?from=` and `?to=`, days such as 2026-11-01; what is missing or makes no sense becomes the last 30 days."""
    today = datetime.now(UTC).date()
    last = min(_day(request.GET.get("to"), today), today)
    first = min(_day(request.GET.get("from"), last - timedelta(days=_DEFAULT_DAYS - 1)), last)
    return Period(max(first, last - timedelta(days=_LONGEST_DAYS)), last)


def choices() -> list[tuple[str, Period]]:
    """The periods that people ask for most."""
    today = datetime.now(UTC).date()
    return [
        ("7 days", Period(today - timedelta(days=6), today)),
        ("30 days", Period(today - timedelta(days=29), today)),
        ("This month", Period(today.replace(day=1), today)),
        ("12 months", Period(today - timedelta(days=364), today)),
    ]


def _day(text: str | None, default: date) -> date:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return default
    # Far away from both ends of the calendar, so that adding days never fails.
    return found if 2000 <= found.year < 9000 else default

"""/usage/: money, tokens, waiting and errors of a period; everybody's for administrators, one's own for members."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ..actions import budgets
from ..models import Budget, UsageRecord, User
from .budgets import shown
from .csv_stream import csv_download, pieces_of
from .money import dollars
from .period import choices, period_of
from .requests import person
from .usage_figures import Figures, Line, figures_of, groups_of_people

COLUMNS = (
    "time", "person", "model", "provider", "purpose", "attempt", "status", "error", "input_tokens", "output_tokens",
    "cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens", "cache_read_input_tokens",
    "server_tool_requests", "cost_usd", "presumed_usd", "first_token_ms", "duration_ms", "conversation",
    "username", "groups",
)  # fmt: skip
_TOKENS = ("Input", "Cache written", "Cache read", "Output")


def may_see_everybody(user: User) -> bool:
    """An administrator, as the admin's own permissions say it."""
    return user.is_staff and user.has_perm("conversations.view_usagerecord")


@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """GET /usage/?from=&to=&whose=mine: the page. Administrators see everybody's unless they ask for their own."""
    user = person(request)
    whose = _whose(request, user)
    period = period_of(request)
    figures = figures_of(period, whose)
    applying = Budget.objects.select_related("group", "user", "language_model").order_by("pk")
    cost_bars, token_bars = ([bar_of(line) for line in figures.days] for bar_of in (_cost_bar, _token_bar))
    limits = applying if whose is None else applying.filter(user=user)
    return render(
        request,
        "usage/usage.html",
        {
            "period": period,
            "periods": [(label, choice, choice == period) for label, choice in choices()],
            "figures": figures,
            "everybody": whose is None,
            "may_see_everybody": may_see_everybody(user),
            "only_mine": may_see_everybody(user) and whose is not None,
            "limits": [shown(state) for state in budgets.states(list(limits))],
            "cost_bars": cost_bars,
            "token_bars": token_bars,
            "highest": _highest(cost_bars, token_bars, figures),
            "token_kinds": _TOKENS,
            "wait_lines": _wait_lines(figures),
            "day_rows": list(zip(figures.days, figures.waits_by_day, strict=True)),
            "breakdowns": _breakdowns(figures),
        },
    )


@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """GET /usage/download/: the ledger's rows of the period, one call a line."""
    user = person(request)
    whose = _whose(request, user)
    period = period_of(request)
    rows = UsageRecord.objects.filter(created_at__gte=period.begins, created_at__lt=period.ends)
    if whose is not None:
        rows = rows.filter(user=whose)
    pieces = pieces_of(rows.select_related("user", "provider"))
    name = f"usage-{period.first}-{period.last}"
    cells = partial(_cells, groups_of_people())
    return csv_download(name, COLUMNS, (map(cells, piece) for piece in pieces))


def _whose(request: HttpRequest, user: User) -> User | None:
    """None is everybody."""
    return None if may_see_everybody(user) and request.GET.get("whose") != "mine" else user


def _cells(groups: dict[int, list[str]], row: UsageRecord) -> Sequence[Any]:
    return (
        row.created_at, row.user.name if row.user else None, row.model, row.provider.name if row.provider else None,
        row.purpose, row.attempt, row.status, row.error_type, row.input_tokens, row.output_tokens,
        row.cache_creation_5m_input_tokens, row.cache_creation_1h_input_tokens, row.cache_read_input_tokens,
        sum(count for count in row.server_tool_use.values() if isinstance(count, int)),
        _usd(row.cost_microdollars), _usd(row.presumed_microdollars), row.first_token_ms, row.duration_ms,
        row.conversation_id, row.user.username if row.user else None, "; ".join(groups.get(row.user_id or 0, ())),
    )  # fmt: skip


def _usd(microdollars: int | None) -> Decimal | None:
    return None if microdollars is None else Decimal(microdollars).scaleb(-6)


def _cost_bar(line: Line) -> dict[str, Any]:
    return {
        "title": f"{line.label}: {dollars(line.cost_microdollars)}",
        "values": (line.cost_microdollars, line.presumed_microdollars),
    }


def _token_bar(line: Line) -> dict[str, Any]:
    values = (line.input_tokens, line.cache_write_tokens, line.cache_read_input_tokens, line.output_tokens)
    said = ", ".join(f"{kind.lower()} {value:,}" for kind, value in zip(_TOKENS, values, strict=True))
    return {"title": f"{line.label}: {said}", "values": values}


def _wait_lines(figures: Figures) -> list[list[int | None]]:
    return [[day.p50 for day in figures.waits_by_day], [day.p95 for day in figures.waits_by_day]]


def _highest(
    cost_bars: list[dict[str, Any]], token_bars: list[dict[str, Any]], figures: Figures
) -> dict[str, Any]:
    """What the top of each chart stands for; nothing where there is nothing to draw."""
    cost, tokens = (max((sum(bar["values"]) for bar in bars), default=0) for bars in (cost_bars, token_bars))
    waits = [day for day in figures.waits_by_day if day.p50 is not None]
    # One day is two short strokes: what they say stands in the totals.
    slowest = max(waits, key=lambda day: day.p95 or 0).most if len(waits) > 1 else ""
    return {"cost": dollars(cost) if cost else "", "tokens": tokens, "wait": slowest}


def _breakdowns(figures: Figures) -> list[dict[str, Any]]:
    found = [
        ("person", "By person", "Person", figures.people),
        ("group", "By group", "Group", figures.groups),
        ("model", "By model", "Model", figures.models),
    ]
    return [
        {
            "id": id, "title": title, "head": head, "lines": lines[:100], "more": len(lines) - 100,
            "highest": max((line.cost_microdollars for line in lines), default=0),
        }
        for id, title, head, lines in found
        if lines
    ]  # fmt: skip

"""/audit/: who did what, when, to what and from where; for administrators alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from ..access import NotFound
from ..models import AuditEvent
from ..models.whatever_case import holds
from .csv_stream import csv_download, pieces_of
from .period import Period, choices, period_of
from .requests import person

COLUMNS = ("time", "person", "act", "object_type", "object_id", "detail", "address")
_PER_PAGE = 100
# Where the name of the act does not read as words.
_WORDS = {
    "administrator_made": "Made an administrator",
    "administrator_unmade": "Made a member",
    "conversations_expired": "Old conversations deleted",
    "groups_of_person": "Groups changed",
    "models_ordered": "Models reordered",
    "share_link_off": "Share link switched off",
    "share_link_on": "Share link switched on",
}


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """GET /audit/?from=&to=&act=&person=&before=<id>: the newest events of the period first."""
    period, rows = _asked_for(request)
    before = request.GET.get("before", "")
    page = rows.order_by("-pk")
    if before.isdecimal() and len(before) < 19:
        page = page.filter(pk__lt=int(before))
    events = list(page[: _PER_PAGE + 1])
    kept: dict[str, str] = {name: value for name in ("act", "person") if (value := request.GET.get(name, ""))}
    asked = kept.get("act", "")
    earlier = ""
    if len(events) > _PER_PAGE:
        events = events[:_PER_PAGE]
        earlier = f"{period.query}&{urlencode({**kept, 'before': str(events[-1].pk)})}"
    return render(
        request,
        "audit/audit.html",
        {
            "period": period,
            "periods": [(label, choice, choice == period) for label, choice in choices()],
            "events": [_shown(event) for event in events],
            # What was asked for stays chosen, also where nothing of it was found.
            "acts": [(act, words(act)) for act in sorted((_acts(period) | {asked}) - {""})],
            "act": asked,
            "person": kept.get("person", ""),
            "query": f"{period.query}&{urlencode(kept)}" if kept else period.query,
            "earlier": earlier,
        },
    )


@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """GET /audit/download/: the same events as CSV, oldest first, one a line."""
    period, rows = _asked_for(request)
    return csv_download(
        f"audit-{period.first}-{period.last}", COLUMNS, (map(_cells, piece) for piece in pieces_of(rows))
    )


def words(act: str) -> str:
    """`sign_in_failed` → `Sign in failed`."""
    return _WORDS.get(act) or act.replace("_", " ").capitalize()


def _asked_for(request: HttpRequest) -> tuple[Period, QuerySet[AuditEvent]]:
    user = person(request)
    if not (user.is_staff and user.has_perm("conversations.view_auditevent")):
        raise NotFound
    period = period_of(request)
    rows = AuditEvent.objects.filter(created_at__gte=period.begins, created_at__lt=period.ends)
    if act := request.GET.get("act"):
        rows = rows.filter(act=act[:60].replace("\0", ""))
    if name := request.GET.get("person"):
        rows = rows.filter(holds("actor_name", name[:150].replace("\0", "")))
    return period, rows


def _acts(period: Period) -> set[str]:
    rows = AuditEvent.objects.filter(created_at__gte=period.begins, created_at__lt=period.ends)
    return set(rows.order_by().values_list("act", flat=True).distinct())


def _shown(event: AuditEvent) -> dict[str, Any]:
    return {
        "time": event.created_at,
        "person": event.actor_name,
        "act": words(event.act),
        "object": f"{event.object_type} {event.object_id}".strip(),
        "detail": described(event.detail),
        "address": event.address or "",
    }


def described(detail: Any) -> str:
    """The details as one line: `name: Fake, values: enabled: True`."""
    if isinstance(detail, dict):
        return ", ".join(f"{key}: {described(value)}" for key, value in detail.items())
    if isinstance(detail, list):
        return "; ".join(described(value) for value in detail) or "none"
    return "" if detail is None else str(detail)


def _cells(event: AuditEvent) -> Sequence[Any]:
    return (
        event.created_at, event.actor_name, event.act, event.object_type, event.object_id, described(event.detail),
        event.address,
    )  # fmt: skip

"""The list of conversations by day, and its search by title. Used by every chat page and as a fragment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..models import Conversation, Generation, User
from .requests import person

SHOWN = 100
QUERY_CHARACTERS = 200


@require_safe
def sidebar_list(request: HttpRequest) -> HttpResponse:
    """GET /conversations/?q=…&archived=0|1: the list alone."""
    groups = sidebar(person(request), request.GET.get("q", ""), archived=request.GET.get("archived") == "1")
    return render(request, "conversations/_sidebar.html", {"sidebar": groups, "conversation": None})


def sidebar(user: User, query: str = "", *, archived: bool = False) -> list[dict[str, Any]]:
    """Groups of {"label", "conversations"}: the newest SHOWN that the person may see and whose title matches."""
    found = Conversation.objects.visible_to(user).filter(archived_at__isnull=not archived)
    words = query.replace("\x00", "")[:QUERY_CHARACTERS].split()
    for word in words:
        found = found.filter(title__icontains=word)
    rows = list(found.order_by("-updated_at").values("pk", "title", "updated_at", "archived_at")[:SHOWN])
    running = set(
        Generation.objects.live()
        .filter(conversation__in=[row["pk"] for row in rows])
        .values_list("conversation_id", flat=True)
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    today = timezone.localtime()
    for row in rows:
        groups.setdefault(_label(today, timezone.localtime(row["updated_at"])), []).append(
            {
                "id": row["pk"],
                "title": row["title"],
                "url": reverse("conversation", args=[row["pk"]]),
                "running": row["pk"] in running,
                "unread": False,
                "archived": row["archived_at"] is not None,
            }
        )
    return [{"label": label, "conversations": conversations} for label, conversations in groups.items()]


def _label(today: datetime, day: datetime) -> str:
    days = (today.date() - day.date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if day.date() > today.date() - timedelta(days=7):
        return "Last seven days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"

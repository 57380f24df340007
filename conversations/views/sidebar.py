"""The list of conversations by day, and its search by title. Used by every chat page and as a fragment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from .. import access
from ..models import Conversation, Generation, ReadMark, User
from ..models.whatever_case import holds, words_of
from .requests import person, whole_number

SHOWN = 100
# Nobody looks through more; a search finds them.
MOST = 2000
QUERY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """`groups` of {"label", "conversations"}; `older`: how many to ask for to see more, 0 where there are no more."""

    groups: list[dict[str, Any]]
    older: int


@require_safe
def sidebar_list(request: HttpRequest) -> HttpResponse:
    """GET /conversations/?q=…&archived=0|1|any&shown=…: the list alone."""
    user = person(request)
    wanted = request.GET.get("archived")
    archived = None if wanted == "any" else wanted == "1"
    context = {
        "sidebar": sidebar(
            user, request.GET.get("q", ""), archived=archived, shown=_shown(request.GET.get("shown", ""))
        ),
        "conversation": None,
        "has_archived": lambda: has_archived(user),
    }
    return render(request, "conversations/_sidebar.html", context)


def has_archived(user: User) -> bool:
    """Whether something that this person may see is archived; asked where the list is empty."""
    return Conversation.objects.visible_to(user).filter(archived_at__isnull=False).exists()


def _shown(asked: str) -> int:
    return max(SHOWN, min(whole_number(asked[:9], SHOWN, digits=9), MOST))


def sidebar(user: User, query: str = "", *, archived: bool | None = False, shown: int = SHOWN) -> Listing:
    """The newest conversations, `shown` at most, that the person may see and whose title matches; `archived` None:
    those in use and the archived ones.
    """
    found = Conversation.objects.visible_to(user)
    if archived is not None:
        found = found.filter(archived_at__isnull=not archived)
    for word in words_of(normalize("NFC", query.replace("\x00", "")[:QUERY_CHARACTERS])):
        found = found.filter(holds("title", word))
    columns = ("pk", "title", "updated_at", "archived_at", "owner_id", "visibility")
    rows = list(found.order_by("-updated_at").values(*columns)[: shown + 1])
    older = min(shown + SHOWN, MOST) if len(rows) > shown < MOST else 0
    rows = rows[:shown]
    running = set(
        Generation.objects.live()
        .filter(conversation__in=[row["pk"] for row in rows])
        .values_list("conversation_id", flat=True)
    )
    read = dict(
        ReadMark.objects.filter(user=user, conversation__in=[row["pk"] for row in rows]).values_list(
            "conversation_id", "read_at"
        )
    )
    others = [row["pk"] for row in rows if row["owner_id"] != user.pk]
    owned = access.owned(user, others) if others else set()
    groups: dict[str, list[dict[str, Any]]] = {}
    today = timezone.localtime()
    for row in rows:
        groups.setdefault(_label(today, timezone.localtime(row["updated_at"])), []).append(
            {
                "id": row["pk"],
                "title": row["title"],
                "url": reverse("conversation", args=[row["pk"]]),
                "running": row["pk"] in running,
                "unread": _is_unread(user, row, read.get(row["pk"])),
                "archived": row["archived_at"] is not None,
                "may_own": row["owner_id"] == user.pk or row["pk"] in owned,
            }
        )
    return Listing(
        [{"label": label, "conversations": conversations} for label, conversations in groups.items()], older
    )


def is_unread(user: User, conversation: Conversation) -> bool:
    """Whether something has happened in it since this person read it."""
    mark = ReadMark.objects.filter(user=user, conversation=conversation).first()
    row = {name: getattr(conversation, name) for name in ("updated_at", "owner_id", "visibility")}
    return _is_unread(user, row, mark.read_at if mark is not None else None)


def _is_unread(user: User, row: dict[str, Any], read_at: datetime | None) -> bool:
    """News since the last reading; never opened: only what somebody has shared with this person."""
    if read_at is not None:
        return bool(row["updated_at"] > read_at)
    return bool(row["owner_id"] != user.pk and row["visibility"] == Conversation.Visibility.PRIVATE)


def _label(today: datetime, day: datetime) -> str:
    days = (today.date() - day.date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if day.date() > today.date() - timedelta(days=7):
        return "Last seven days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"

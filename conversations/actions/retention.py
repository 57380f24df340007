"""What the workspace keeps no longer: conversations that somebody deleted, and those in which nothing was said for so
many days, whole, with their messages and files. Called by the sweeper.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from ..models import Conversation, Generation, Workspace
from . import after_commit, audit, erasure
from .transaction import writing

# So few at a time that those who have them open hear of it together with the end.
TOGETHER = 20
# Whoever has taken one back in the last moment has it: erasing begins when no such request can still be under way.
UNDER_WAY_SECONDS = 60


def expire() -> int:
    """Deletes them; returns how many. The bytes of their files leave the storage with the next sweep; the ledger
    keeps its rows.
    """
    days = Workspace.objects.current().retention_days
    if not days:
        return 0
    before = timezone.now() - timedelta(days=days)
    count = 0
    while deleted := _expire_some(before, days):
        count += deleted
    return count


def erase_deleted() -> None:
    """What somebody deleted, and nobody can take back any more, goes for good."""
    erasure.erase(_quiet().filter(deleted_at__lte=_final()))


def _final() -> datetime:
    """What was deleted then is to be erased."""
    return timezone.now() - timedelta(seconds=settings.DELETED_SECONDS + UNDER_WAY_SECONDS)


def _quiet() -> QuerySet[Conversation]:
    """Those in which no answer runs."""
    return Conversation.objects.exclude(pk__in=Generation.objects.live().values("conversation"))


def _expire_some(before: datetime, days: int) -> int:
    with writing():
        # Every process looks for them, and each of these is for one: the first to call it deleted.
        old = _quiet().filter(updated_at__lt=before, deleted_at=None)
        ids = list(old.select_for_update().order_by("pk").values_list("pk", flat=True)[:TOGETHER])
        expired = Conversation.objects.filter(pk__in=ids)
        expired.update(deleted_at=_final())
        after_commit.conversations_updated(list(expired))
        if ids:
            # Here, not at the end: a process that dies before it would leave no word of what nobody can take back.
            audit.record(None, "conversations_expired", count=len(ids), days=days)
    # After a crash in between they are erased with what people have deleted.
    erasure.erase(expired)
    return len(ids)

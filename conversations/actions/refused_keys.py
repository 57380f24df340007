"""Which providers have refused their key the last time they were asked, for the pages of administrators."""

from __future__ import annotations

from django.db.models import OuterRef, Q, Subquery

from ..models import AuditEvent, Provider, UsageRecord, User

# As the pages of providers record it, and as the records do.
_KEY_CHANGED = Q(detail__key_changed=True) | Q(detail__values__new_api_key__isnull=False)


def told_to(user: User) -> list[Provider]:
    """Those that this person hears of beside a conversation: administrators do, and for others nothing is asked."""
    return refused_keys() if user.administers else []


def refused_keys() -> list[Provider]:
    """Providers in use whose newest call in the ledger was refused for a key that they still have."""
    # By the key of the rows: it is in the index of the providers, and rows are stored as calls end.
    newest = UsageRecord.objects.filter(provider=OuterRef("pk")).order_by("-pk")
    providers = Provider.objects.filter(enabled=True).annotate(
        newest_error=Subquery(newest.values("error_type")[:1]),
        asked_at=Subquery(newest.values("created_at")[:1]),
    )
    return [row for row in providers.order_by("pk") if row.newest_error == "auth" and not _changed(row)]


def _changed(provider: Provider) -> bool:
    """Whether somebody has entered another key since."""
    events = AuditEvent.objects.filter(_KEY_CHANGED, created_at__gt=provider.asked_at)  # type: ignore[attr-defined]
    return events.filter(object_type="provider", object_id=str(provider.pk)).exists()

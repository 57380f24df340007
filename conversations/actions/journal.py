"""The journal's writes: what all running answers of a process added, their leases and stop flags."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from ..models import Generation, GenerationEvent, GenerationStatus
from ..models.generation import LIVE, lease_end
from .transaction import writing


@dataclass(frozen=True, slots=True)
class Entry:
    """The events first_seq … seq of one answer, as JSON text."""

    generation: uuid.UUID
    first_seq: int
    seq: int
    events: str


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush found out: answers that somebody asked to stop, and answers that are no longer ours."""

    stop_requested: set[uuid.UUID]
    lost: set[uuid.UUID]


def flush(entries: list[Entry], running: Collection[uuid.UUID], owner: str, *, renew: bool) -> Flushed:
    """Write the entries of answers that are still ours; with `renew`, also take their leases further."""
    running = set(running)
    with writing():
        # All that are ours, not those of a list: hundreds of conditions take longer to write down than to answer.
        # Locked, so that who ends one comes before this, and is seen, or behind it, and has it all.
        owned = Generation.objects.filter(owner=owner, status__in=LIVE).select_for_update(no_key=True)
        known = owned.order_by("pk").values_list("pk", "stop_requested")
        mine = {pk: stop for pk, stop in known if pk in running}
        if renew and mine:
            Generation.objects.filter(pk__in=list(mine)).update(
                status=GenerationStatus.RUNNING, lease_until=lease_end()
            )
        GenerationEvent.objects.bulk_create(
            GenerationEvent(
                generation_id=entry.generation, first_seq=entry.first_seq, seq=entry.seq, events=entry.events
            )
            for entry in entries
            if entry.generation in mine
        )
    return Flushed({pk for pk, stop in mine.items() if stop}, running - set(mine))


def sweep() -> None:
    """Delete what is left of answers that ended a while ago: by now every process has read it."""
    before = timezone.now() - timedelta(seconds=settings.LOG_RETENTION_SECONDS)
    ended = GenerationEvent.objects.filter(generation__finished_at__lt=before)
    if ended.exists():
        with writing():
            ended.delete()


def ends(generations: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The last number that the journal has of each of these answers; those of which it has none are missing."""
    if not generations:
        return {}
    rows = GenerationEvent.objects.filter(generation__in=list(generations)).order_by()
    return dict(rows.values_list("generation").annotate(Max("seq")))

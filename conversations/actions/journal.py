"""The journal's writes: what all running answers of a process added, their leases and stop flags."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from django.conf import settings
from django.db import connection
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
    """Write the entries of those running answers that are still ours. A queued one runs from now on; its lease is taken
    further, and with `renew` all are.
    """
    write = _write_at_once if connection.vendor == "postgresql" else _write_in_steps
    mine = write(entries, set(running), owner, renew)
    return Flushed({pk for pk, is_stopped in mine.items() if is_stopped}, set(running) - set(mine))


def _write_in_steps(
    entries: list[Entry], running: set[uuid.UUID], owner: str, renew: bool
) -> dict[uuid.UUID, bool]:
    with writing():
        # No locks: SQLite's writers take turns. All that are ours, not those of a list: hundreds of conditions take
        # longer to write down than to answer.
        owned = Generation.objects.filter(owner=owner, status__in=LIVE)
        known = owned.values_list("pk", "status", "stop_requested")
        mine = {pk: (status, is_stopped) for pk, status, is_stopped in known if pk in running}
        leased = [pk for pk, (status, _) in mine.items() if renew or status == GenerationStatus.QUEUED]
        if leased:
            Generation.objects.filter(pk__in=leased).update(
                status=GenerationStatus.RUNNING, lease_until=lease_end()
            )
        GenerationEvent.objects.bulk_create(
            GenerationEvent(
                generation_id=entry.generation, first_seq=entry.first_seq, seq=entry.seq, events=entry.events
            )
            for entry in entries
            if entry.generation in mine
        )
    return {pk: is_stopped for pk, (_, is_stopped) in mine.items()}


# Locked, so that who ends an answer comes before this, and is seen, or behind it, and has it all.
_AT_ONCE = """
WITH mine AS (
    SELECT id, status, stop_requested
    FROM conversations_generation
    WHERE owner = %(owner)s AND status IN ('queued', 'running') AND id = ANY(%(running)s::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
), leased AS (
    UPDATE conversations_generation AS generation
    SET status = 'running', lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
    FROM mine
    WHERE generation.id = mine.id AND (%(renew)s OR mine.status = 'queued')
), written AS (
    INSERT INTO conversations_generationevent (generation_id, first_seq, seq, events)
    SELECT entry.generation, entry.first_seq, entry.seq, entry.events
    FROM json_to_recordset(%(entries)s::json) AS entry (generation uuid, first_seq int, seq int, events text)
    JOIN mine ON mine.id = entry.generation
)
SELECT id, stop_requested FROM mine
"""


def _write_at_once(
    entries: list[Entry], running: set[uuid.UUID], owner: str, renew: bool
) -> dict[uuid.UUID, bool]:
    """One statement: beside hundreds of answers a thread waits for its turn after each, and pages of other processes
    wait for what it writes. Lists as text: a tenth of what it costs value by value.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _AT_ONCE,
            {
                "owner": owner,
                "running": f"{{{','.join(map(str, running))}}}",
                "renew": renew,
                "lease": settings.LEASE_SECONDS,
                "entries": msgspec.json.encode(entries).decode(),
            },
        )
        return dict(cursor.fetchall())


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

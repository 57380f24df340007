"""The journal: what a running answer has received so far, in flushes. Its rows go when the answer is finished."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import connection, models

_BEYOND = """
SELECT journal.generation_id, journal.events
FROM conversations_generationevent AS journal
JOIN unnest(%s::uuid[], %s::int[]) AS reader (generation_id, seq)
  ON journal.generation_id = reader.generation_id AND journal.seq > reader.seq
ORDER BY journal.generation_id, journal.seq
"""


class GenerationEventQuerySet(models.QuerySet["GenerationEvent"]):
    def beyond(self, ends: dict[uuid.UUID, int]) -> Iterable[tuple[uuid.UUID, str]]:
        """(generation, events) of the rows after these numbers, in order. One query."""
        if len(ends) > 1 and connection.vendor == "postgresql":
            # Hundreds of answers at once: a condition for each would take longer to write down than to answer.
            with connection.cursor() as cursor:
                cursor.execute(_BEYOND, [list(ends), list(ends.values())])
                return list(cursor.fetchall())
        beyond = models.Q(pk__in=[])
        for generation, seq in ends.items():
            beyond |= models.Q(generation=generation, seq__gt=seq)
        return self.filter(beyond).order_by("generation", "seq").values_list("generation", "events")


class GenerationEvent(models.Model):
    generation = models.ForeignKey("Generation", on_delete=models.CASCADE, related_name="events")
    # `events` is a JSON list of events as the live log has them; the row covers the numbers first_seq … seq.
    first_seq = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    events = models.TextField()

    objects = GenerationEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "seq"], name="journal_once_per_seq"),
            # A flush that was given up with its connection may still come through: the next one begins where it does.
            models.UniqueConstraint(fields=["generation", "first_seq"], name="journal_once_per_first_seq"),
        ]
        ordering = ["generation", "seq"]

    def __str__(self) -> str:
        return f"{self.first_seq}–{self.seq}"

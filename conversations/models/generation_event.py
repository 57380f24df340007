"""The journal: what a running answer has received so far, in flushes. Its rows go when the answer is finished."""

from __future__ import annotations

from django.db import models


class GenerationEvent(models.Model):
    generation = models.ForeignKey("Generation", on_delete=models.CASCADE, related_name="events")
    # `events` is a JSON list of events as the live log has them; the row covers the numbers first_seq … seq.
    first_seq = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    events = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["generation", "seq"], name="journal_once_per_seq")]
        ordering = ["generation", "seq"]

    def __str__(self) -> str:
        return f"{self.first_seq}–{self.seq}"

"""What one flush writes: the new events of the running answers, their leases, the ends of the finished ones. Then it
rings. Used by `journal`, on its thread.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Collection, Iterable

from django.conf import settings
from django.db import connection

from ..actions import answers, journal
from ..actions.outcome import Outcome
from ..live import doorbell
from ..live.frames import journal_text
from .answer import Answer


class JournalWriter:
    """Raises what the database raises; whatever was called can then be called again."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._unsure = False
        self._renewed = -math.inf

    def write(
        self, running: list[Answer], prepared: Collection[uuid.UUID] = (), *, may_renew: bool = False
    ) -> journal.Flushed:
        """What these answers have added; returns those that others have stopped or ended. With `may_renew`, leases are
        taken further when a fifth of their length is over; also of the `prepared`, which have added nothing yet.
        """
        if not running and not prepared:
            return journal.Flushed(set(), set())
        spans = [(answer, answer.journalled, answer.log.seq) for answer in running]
        now = time.monotonic()
        renew = may_renew and now - self._renewed > settings.LEASE_SECONDS / 5
        if self._unsure:
            ends = journal.ends([answer.turn.generation for answer in running])
            spans = [(answer, ends.get(answer.turn.generation, 0), upto) for answer, _, upto in spans]
        entries = [
            journal.Entry(answer.turn.generation, after + 1, upto, journal_text(answer.log, after, upto))
            for answer, after, upto in spans
            if upto > after
        ]
        # Until it has come back it may be there: the next flush asks before it writes, or text would be there twice.
        self._unsure = True
        ours = [*prepared, *(answer.turn.generation for answer in running)]
        flushed = journal.flush(entries, ours, self._owner, renew=renew)
        self._unsure = False
        if renew:
            self._renewed = now
        for answer, _, upto in spans:
            answer.journalled = upto
        _ring(answer for answer, after, upto in spans if upto > after)
        return flushed

    def end(self, finished: list[tuple[Answer, Outcome]]) -> set[uuid.UUID]:
        """Store these ends; returns which were stored, and not ended by somebody else before."""
        if not finished:
            return set()
        stored = answers.finish([outcome for _, outcome in finished], self._owner)
        _ring(answer for answer, _ in finished)
        return {outcome.generation for outcome in stored}


def _ring(changed: Iterable[Answer]) -> None:
    turns = [answer.turn for answer in changed] if doorbell.is_connected() else []
    if turns:
        doorbell.ring({"answers": [[str(t.generation), str(t.message), str(t.conversation)] for t in turns]})


def relax_durability() -> None:
    """On the journal's new connection."""
    # The journal promises 500 ms, not every commit; a send has its own connection with synchronous=FULL.
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")

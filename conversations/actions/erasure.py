"""What is much leaves the database a little at a time, so that nobody's message waits long for its turn to write.

Called by `removal` and `retention`. Every step is complete in itself: what is left after a crash is erased by doing it
again.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from django.db import models
from django.db.models import QuerySet

from ..models import Conversation, Message, UsageRecord, User
from .transaction import writing

# So long a transaction takes on further steps, each of so many rows; in the pause those who wait take their turn.
SECONDS = 0.05
ROWS = 100
PAUSE = 0.02


def erase(conversations: QuerySet[Conversation]) -> None:
    """Delete these conversations with all that is in them; nobody may see them any more. The ledger keeps its rows."""
    _in_portions(lambda: _messages_of(conversations))
    calls = UsageRecord.objects.filter(conversation__in=conversations)
    _in_portions(lambda: _cleared(calls, "conversation"))
    _in_portions(lambda: _conversations(conversations))


def forget(person: User) -> None:
    """Wherever others' rows, or the records, name this person, nobody is named."""
    for relation in User._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.SET_NULL:
            name = relation.field.name
            rows = relation.related_model._base_manager.filter(**{name: person.pk})
            _in_portions(lambda rows=rows, name=name: _cleared(rows, name))  # type: ignore[misc]


def _in_portions(step: Callable[[], int]) -> None:
    """Repeat the step, which says how many rows it found, until there are none."""
    while True:
        with writing():
            ends = monotonic() + SECONDS
            while (found := step()) and monotonic() < ends:
                pass
        if not found:
            return
        sleep(PAUSE)


def _messages_of(conversations: QuerySet[Conversation]) -> int:
    found = Message.objects.filter(conversation__in=conversations)
    ids = list(found.order_by().values_list("pk", flat=True)[:ROWS])
    # Else what comes after them would go with them, however much it is.
    Message.objects.filter(parent__in=ids).update(parent=None)
    Message.objects.filter(pk__in=ids).only("pk").delete()
    return len(ids)


def _cleared(rows: QuerySet[Any], name: str) -> int:
    ids = list(rows.order_by().values_list("pk", flat=True)[:ROWS])
    rows.model._base_manager.filter(pk__in=ids).update(**{name: None})
    return len(ids)


def _conversations(conversations: QuerySet[Conversation]) -> int:
    ids = list(conversations.order_by().values_list("pk", flat=True)[:ROWS])
    Conversation.objects.filter(pk__in=ids).delete()
    return len(ids)

"""What is much leaves the database a little at a time, so that nobody's message waits long for its turn to write.

Called by `removal`, `retention` and `offers`. Every step is complete in itself: what is left after a crash is erased by
doing it again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic, sleep
from typing import Any

from django.db import models
from django.db.models import QuerySet

from ..models import Conversation, Message, UsageRecord
from .transaction import writing

# So long a transaction takes on further steps, each of so many rows; in the pause those who wait take their turn.
SECONDS = 0.05
ROWS = 100
PAUSE = 0.02


def erase(conversations: QuerySet[Conversation]) -> None:
    """Delete these conversations with all that is in them; nobody may see them any more. The ledger keeps its rows."""
    _in_portions(Message.objects.filter(conversation__in=conversations), _delete_messages)
    _in_portions(UsageRecord.objects.filter(conversation__in=conversations), partial(_clear, "conversation"))
    _in_portions(conversations, QuerySet.delete)


def forget(row: models.Model) -> None:
    """Wherever rows that stay refer to this one, a person's or a model's, they refer to none."""
    for relation in row._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.SET_NULL:
            name = relation.field.name
            rows = relation.related_model._base_manager.filter(**{name: row.pk})
            _in_portions(rows, partial(_clear, name))


def _in_portions(rows: QuerySet[Any], step: Callable[[QuerySet[Any]], object]) -> None:
    """Take the step with some of the rows, which are not among them any more then, until there are none."""
    while True:
        with writing():
            ends = monotonic() + SECONDS
            while ids := list(rows.order_by().values_list("pk", flat=True)[:ROWS]):
                step(rows.model._base_manager.filter(pk__in=ids))
                if monotonic() >= ends:
                    break
        if not ids:
            return
        sleep(PAUSE)


def _delete_messages(some: QuerySet[Message]) -> None:
    # Else what comes after them would go with them, however much it is.
    Message.objects.filter(parent__in=some).update(parent=None)
    some.only("pk").delete()


def _clear(name: str, some: QuerySet[Any]) -> None:
    some.update(**{name: None})

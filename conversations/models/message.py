"""One turn of a conversation: a node of its tree, whose content is the Messages API's own list of blocks."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL
from django.utils import timezone

from .exact_json import ExactJSONField
from .generation import GenerationStatus

# Walks from a message towards the root; the limit is what keeps 2,000 messages as cheap as 20.
_PATH_SQL = """
    WITH RECURSIVE path(id, parent_id, depth) AS (
        SELECT id, parent_id, 1 FROM conversations_message WHERE id = %s
        UNION ALL
        SELECT message.id, message.parent_id, path.depth + 1
        FROM conversations_message AS message JOIN path ON message.id = path.parent_id
        WHERE path.depth < %s
    )
    SELECT id FROM path ORDER BY depth DESC
"""
# What administrators alone read of an error: the provider's own words may be about its account.
_FOR_ADMINISTRATORS = ("admin_message", "detail")
# Walks away from the root, to the newest child each time, however far that is.
_NEWEST_LEAF_SQL = """
    WITH RECURSIVE walk(id, depth) AS (
        SELECT id, 1 FROM conversations_message WHERE id = %s
        UNION ALL
        SELECT (
            SELECT child.id FROM conversations_message AS child
            WHERE child.parent_id = walk.id ORDER BY child.created_at DESC LIMIT 1
        ), walk.depth + 1
        FROM walk WHERE walk.id IS NOT NULL
    )
    SELECT id FROM walk WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1
"""
_WHOLE_PATH = 1_000_000
# What a page says beside a message: who wrote it, which model answered.
_SHOWN = ("author", "generation__language_model__provider")


def _value(id: uuid.UUID) -> uuid.UUID | str:
    return id if connection.features.has_native_uuid_field else id.hex


def _id(value: uuid.UUID | str) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


class MessageQuerySet(models.QuerySet["Message"]):
    def path_ids(self, leaf: uuid.UUID | None, limit: int = _WHOLE_PATH) -> list[uuid.UUID]:
        """Ids of the last `limit` messages of the branch that ends in `leaf`, oldest first."""
        if leaf is None:
            return []
        with connection.cursor() as cursor:
            cursor.execute(_PATH_SQL, [_value(leaf), limit])
            return [_id(row[0]) for row in cursor.fetchall()]

    def newest_leaf(self, message: uuid.UUID) -> uuid.UUID:
        """The id of the leaf that the newest answers lead to from this message; its own when nothing follows it."""
        with connection.cursor() as cursor:
            cursor.execute(_NEWEST_LEAF_SQL, [_value(message)])
            row = cursor.fetchone()
        return message if row is None else _id(row[0])

    def path(
        self, leaf: uuid.UUID | None, limit: int = _WHOLE_PATH, related: tuple[str, ...] = _SHOWN
    ) -> list[Message]:
        """The last `limit` messages of the branch that ends in `leaf`, oldest first, with what is `related`."""
        if leaf is None:
            return []
        # One query however long the branch is: a list of ids would be split where a database counts parameters.
        ids = RawSQL(_PATH_SQL, [_value(leaf), limit])
        rows = self.filter(pk__in=ids)
        if related:
            rows = rows.select_related(*related)
        found = {row.pk: row for row in rows}
        path: list[Message] = []
        while leaf in found:
            path.append(found[leaf])
            leaf = path[-1].parent_id
        return path[::-1]


class Message(models.Model):
    class Role(models.TextChoices):
        USER = "user", "User"
        ASSISTANT = "assistant", "Assistant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    author = models.ForeignKey(
        "User", null=True, blank=True, on_delete=models.SET_NULL, related_name="messages"
    )
    content: models.JSONField[list[dict[str, Any]], list[dict[str, Any]]] = ExactJSONField(default=list)
    status = models.CharField(
        max_length=12, choices=GenerationStatus.choices, default=GenerationStatus.COMPLETED
    )
    # An answer or a request that goes on where the parent answer broke off; shown joined to it.
    continues = models.BooleanField(default=False)
    model = models.CharField(max_length=200, blank=True)
    stop_reason = models.CharField(max_length=60, blank=True)
    stop_sequence = models.TextField(blank=True)
    stop_details = models.JSONField(null=True, blank=True)
    usage = models.JSONField(null=True, blank=True)
    cost_microdollars = models.BigIntegerField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    # Rendered HTML by content block, made once when the answer was finished; None is rendered on demand.
    html = models.JSONField(null=True, blank=True)
    # How long the thinking blocks took, by their index; those of less than a second are left out.
    thinking_seconds = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["conversation", "created_at"], name="message_of_conversation")]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"

    @property
    def text(self) -> str:
        """The visible text: all text blocks joined without a separator (messages-api 4.4)."""
        return "".join(block.get("text") or "" for block in self.content if block.get("type") == "text")


def told_to_all(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stored error as everybody may read it, who may read the answer."""
    if error is None:
        return None
    return {name: value for name, value in error.items() if name not in _FOR_ADMINISTRATORS}

"""Questions about the tree that several writes ask inside their transaction."""

from __future__ import annotations

import uuid

from ..access import NotFound
from ..models import Conversation, Generation, Message
from .errors import Busy, Invalid


def lock(conversation: Conversation) -> Conversation:
    """The conversation as it is now, its row locked where the database locks rows. Raises NotFound when somebody has
    deleted it since it was looked up.
    """
    # Its key stays: a row that refers to it is stored meanwhile, and nobody who stores one holds up this transaction.
    try:
        return Conversation.objects.select_for_update(no_key=True).get(pk=conversation.pk, deleted_at=None)
    except Conversation.DoesNotExist:
        raise NotFound from None


def parent_of_send(conversation: Conversation, parent: uuid.UUID | None) -> uuid.UUID | None:
    """The message a new turn hangs under: the given one, checked, or the current leaf."""
    if parent is None:
        return conversation.current_leaf_id
    if not Message.objects.filter(pk=parent, conversation=conversation).exists():
        raise Invalid("The message to answer is not in this conversation.")
    return parent


def refuse_if_busy(conversation: Conversation, parent: uuid.UUID | None) -> None:
    """Raises Busy when an answer is running on a branch that goes through `parent` (None: the root)."""
    running = Generation.objects.live().filter(conversation=conversation).values_list("message_id", flat=True)
    for message in list(running):
        if parent is None or parent in Message.objects.path_ids(message):
            raise Busy("Claude is still answering here. Wait until it is done, or stop it first.")

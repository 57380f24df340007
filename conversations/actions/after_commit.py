"""News of what this transaction writes, told once it is committed. Used by the other actions."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import transaction

from .. import access
from ..live import news
from ..models import Conversation


def conversation_updated(conversation: Conversation) -> None:
    """To all who may read the conversation now: its title, its place in the sidebar or its state is as it is here."""
    conversations_updated([conversation])


def conversations_updated(
    conversations: Collection[Conversation], *, running: Collection[uuid.UUID] | None = None
) -> None:
    """As `conversation_updated`, for many at once; with `running`, those of them in which an answer runs now."""
    audiences = access.audiences(conversations)
    updates = [(conversation, audiences[conversation.pk]) for conversation in conversations]
    transaction.on_commit(lambda: news.conversations_updated(updates, running=running))

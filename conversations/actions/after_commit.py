"""News of what this transaction writes, told once it is committed. Used by the other actions."""

from __future__ import annotations

from django.db import transaction

from .. import access
from ..live import news
from ..models import Conversation


def conversation_updated(conversation: Conversation, *, running: bool | None = None) -> None:
    """To all who may read the conversation now: its title, its place in the sidebar or its state is as it is here."""
    people = access.audience(conversation)
    transaction.on_commit(lambda: news.conversation_updated(conversation, people, running=running))

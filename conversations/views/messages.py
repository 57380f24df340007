"""The messages of a conversation in the contract's words."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from .. import access
from ..access import Operation
from ..live.replay import journalled_content
from ..models import Generation, Message
from ..models.generation import LIVE
from ..models.message import told_to_all
from .requests import person


@require_safe
def current_branch(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET …/messages/: the current branch, oldest first, as JSON; a running answer with what is journalled of it."""
    found = access.conversation(person(request), id, Operation.READ)
    path = Message.objects.path(found.current_leaf_id)
    return JsonResponse({"messages": [message_json(row) for row in path]})


def message_json(row: Message) -> dict[str, Any]:
    """A message in the contract's words."""
    row = as_it_is_now(row)
    generation: Generation | None = getattr(row, "generation", None)
    return {
        "id": row.pk,
        "parent": row.parent_id,
        "role": row.role,
        "content": row.content,
        "status": generation.status if generation is not None and generation.is_live else row.status,
        "stop_reason": row.stop_reason or None,
        "usage": row.usage,
        "model": row.model or (generation.model if generation is not None else None),
        "error": told_to_all(row.error),
        "continues": row.continues,
        "created_at": row.created_at,
    }


def as_it_is_now(row: Message) -> Message:
    """The message; a running answer with what is journalled of it."""
    generation: Generation | None = getattr(row, "generation", None)
    if generation is None or not generation.is_live:
        return row
    row.content = journalled_content(generation)
    # With its end the journal's rows go: of an answer that has ended since it was read they may say nothing any more.
    ended = Message.objects.exclude(generation__status__in=LIVE).select_related("author", "generation")
    return ended.filter(pk=row.pk).first() or row

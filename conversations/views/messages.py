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
from .requests import answers_refusals, person


@require_safe
@answers_refusals
def current_branch(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET …/messages/: the current branch, oldest first, as JSON; a running answer with what is journalled of it."""
    found = access.conversation(person(request), id, Operation.READ)
    path = Message.objects.path(found.current_leaf_id)
    return JsonResponse({"messages": [message_json(row) for row in path]})


def message_json(row: Message) -> dict[str, Any]:
    """A message in the contract's words."""
    generation: Generation | None = getattr(row, "generation", None)
    live = generation is not None and generation.is_live
    return {
        "id": row.pk,
        "parent": row.parent_id,
        "role": row.role,
        "content": content_of(row),
        "status": generation.status if live and generation is not None else row.status,
        "stop_reason": row.stop_reason or None,
        "usage": row.usage,
        "model": row.model or (generation.model if generation is not None else None),
        "error": row.error,
        "continues": row.continues,
        "created_at": row.created_at,
    }


def content_of(row: Message) -> list[dict[str, Any]]:
    """Its content; of a running answer what is journalled."""
    generation: Generation | None = getattr(row, "generation", None)
    if generation is not None and generation.is_live:
        return journalled_content(generation)
    return row.content

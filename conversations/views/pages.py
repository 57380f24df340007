"""The chat pages: a new conversation, and one conversation with its newest messages."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chatsite.errors import wants_json

from .. import access
from ..access import NotFound, Operation
from .chat_context import chat_context
from .requests import person


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: a new conversation."""
    return render(request, "conversations/home.html", chat_context(person(request), None))


@require_safe
def conversation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET /conversations/<uuid>/: the page, with the newest messages of its current branch. Of one that was deleted,
    for whoever may undo that, a page that offers it; to everybody else that one does not exist.
    """
    user = person(request)
    try:
        found = access.conversation(user, id, Operation.READ)
    except NotFound:
        if wants_json(request):
            raise
        access.deleted_conversation(user, id)
        return render(request, "conversations/deleted.html", {"id": id}, status=404)
    return render(request, "conversations/conversation.html", chat_context(user, found))

"""The chat pages: a new conversation, and one conversation with its newest messages."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .. import access
from ..access import Operation
from .chat_context import chat_context
from .requests import person


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: a new conversation."""
    return render(request, "conversations/home.html", chat_context(person(request), None))


@require_safe
def conversation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET /conversations/<uuid>/: the page, with the newest messages of its current branch."""
    found = access.conversation(person(request), id, Operation.READ)
    return render(request, "conversations/conversation.html", chat_context(person(request), found))

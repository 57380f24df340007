"""The sends: a new conversation, a message, an edit, another answer, a continuation. All idempotent by client_id."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from .. import access
from ..access import Operation
from ..actions import continuation, messages, omission
from ..actions.asking import Sent
from ..generation import supervisor
from ..generation.begin import begin
from ..models import Message
from .requests import Fields, answer, person


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """POST /conversations/: a new conversation with its first message, its answer running."""
    fields = Fields(request)
    sent = messages.start(
        person(request),
        fields.text("text"),
        fields.client_id(),
        owner=supervisor.identity(),
        attachments=fields.attachment_ids(),
        model=fields.word("model"),
        parameters=fields.settings(),
    )
    return _answered(request, sent, with_conversation=True)


@require_POST
def send(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """POST /conversations/<uuid>/messages/: the next message of a branch."""
    conversation = access.conversation(person(request), id, Operation.WRITE)
    fields = Fields(request)
    sent = messages.send(
        person(request),
        conversation,
        fields.text("text"),
        fields.client_id(),
        owner=supervisor.identity(),
        attachments=fields.attachment_ids(),
        parent=fields.identifier("parent"),
    )
    return _answered(request, sent)


@require_POST
def edit(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """POST …/messages/<uuid>/edit/: the same turn with another text, as a sibling."""
    found = access.message(person(request), id, message, Operation.WRITE)
    fields = Fields(request)
    sent = messages.edit(
        person(request),
        found,
        fields.text("text"),
        fields.client_id(),
        owner=supervisor.identity(),
        attachments=fields.attachment_ids(),
    )
    return _answered(request, sent)


@require_POST
def regenerate(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """POST …/messages/<uuid>/regenerate/: another answer to the same message."""
    found = access.message(person(request), id, message, Operation.WRITE)
    fields = Fields(request)
    sent = messages.regenerate(
        person(request), found, fields.client_id(), owner=supervisor.identity(), model=fields.word("model")
    )
    return _answered(request, sent)


@require_POST
def continue_answer(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """POST …/messages/<uuid>/continue/: go on where this answer ended."""
    found = access.message(person(request), id, message, Operation.WRITE)
    sent = continuation.continue_answer(
        person(request), found, Fields(request).client_id(), owner=supervisor.identity()
    )
    return _answered(request, sent)


@require_POST
def omit(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """POST …/messages/<uuid>/omit/: go on without files. For a refused answer: another one, asked without them, or
    without the unanswered messages before (201); for a person's turn: its files stay out of later requests.
    """
    found = access.message(person(request), id, message, Operation.WRITE)
    if found.role == Message.Role.USER:
        count = omission.omit_from_turn(found)
        return answer(request, {"omitted": count}, reverse("conversation", args=[id]))
    sent = omission.answer_without(
        person(request), found, Fields(request).client_id(), owner=supervisor.identity()
    )
    return _answered(request, sent)


def _answered(request: HttpRequest, sent: Sent, *, with_conversation: bool = False) -> HttpResponse:
    if sent.created:
        begin(sent.generation)
    url = reverse("conversation", args=[sent.conversation])
    body: dict[str, Any] = {"message": sent.message, "reply": sent.reply, "generation": sent.generation.pk}
    if with_conversation:
        body = {"conversation": sent.conversation, **body, "url": url}
    return answer(request, body, url, status=201 if sent.created else 200)

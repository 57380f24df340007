"""What is done to a conversation as a whole: rename, archive, delete and undo, settings, branch, copy."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from .. import access
from ..access import Operation
from ..actions import conversations
from ..actions.answers import request_stop
from ..generation import supervisor
from ..live import news
from ..models import Generation
from .requests import Fields, answer, person


@require_POST
def rename(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    conversation = access.conversation(person(request), id, Operation.OWN)
    title = conversations.rename(conversation, Fields(request).text("title"))
    return answer(request, {"title": title}, _page(id))


@require_POST
def archive(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """`archived` is "true" or "false"."""
    conversation = access.conversation(person(request), id, Operation.OWN)
    archived = Fields(request).word("archived") != "false"
    conversations.archive(conversation, archived)
    return answer(request, {"archived": archived}, reverse("home"))


@require_POST
def delete(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Gone at once, also from other people's pages; running answers stop. `restore` undoes it."""
    conversation = access.conversation(person(request), id, Operation.OWN)
    conversations.delete(conversation)
    # From here on no answer begins in it, so these are all.
    for generation in Generation.objects.live().filter(conversation=conversation):
        request_stop(generation)
        supervisor.stop(generation.pk)
    news.recheck_rights()
    return answer(request, {"deleted": True}, reverse("home"))


@require_POST
def restore(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    conversation = access.deleted_conversation(person(request), id)
    conversations.restore(conversation)
    return answer(request, {"deleted": False, "url": _page(id)}, _page(id))


@require_POST
def settings(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Model and parameters of the next answers."""
    conversation = access.conversation(person(request), id, Operation.WRITE)
    fields = Fields(request)
    parameters = conversations.change_settings(
        person(request), conversation, fields.word("model"), fields.settings()
    )
    return answer(request, {"parameters": parameters}, _page(id))


@require_POST
def select(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """Show the branch through this message."""
    found = access.message(person(request), id, message, Operation.WRITE)
    leaf = conversations.select_branch(found.conversation, found)
    return answer(request, {"leaf": leaf}, _page(id))


@require_POST
def fork(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """A conversation of one's own that begins with the messages up to this one."""
    found = access.message(person(request), id, message, Operation.READ)
    copy = conversations.fork(person(request), found.conversation, found)
    url = _page(copy.pk)
    return answer(request, {"conversation": copy.pk, "url": url}, url, status=201)


def _page(id: uuid.UUID) -> str:
    return reverse("conversation", args=[id])

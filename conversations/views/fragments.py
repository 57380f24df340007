"""The pieces of HTML that a chat page fetches: earlier messages, one message, the totals."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .. import access
from ..access import Operation
from .chat_context import totals_of, warnings_of
from .requests import person
from .transcript import page_of, views_of


@require_safe
def history(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET …/history/?before=<message>: the messages before that one; without it, the newest of the branch."""
    user = person(request)
    found = access.conversation(user, id, Operation.READ)
    leaf = found.current_leaf_id
    if before := request.GET.get("before"):
        leaf = access.message(user, id, _uuid(before), Operation.READ).parent_id
    may_write = access.may(user, found, Operation.WRITE)
    messages, has_earlier = page_of(found, leaf, user, may_write=may_write)
    response = render(request, "conversations/_messages.html", {"messages": messages, "conversation": found})
    response["X-Has-Earlier"] = "1" if has_earlier else "0"
    response["X-May-Write"] = "1" if may_write else "0"
    return response


@require_safe
def message(request: HttpRequest, id: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """GET …/messages/<uuid>/: one message as the page shows it."""
    user = person(request)
    found = access.message(user, id, message, Operation.READ)
    may_write = access.may(user, found.conversation, Operation.WRITE)
    shown = views_of(found.conversation, [found], user, may_write=may_write)
    return render(
        request,
        "conversations/_messages.html",
        {"messages": shown, "conversation": found.conversation},
    )


@require_safe
def totals(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET …/totals/: what an answer changes around the messages: cost so far, the context gauge, spending limits."""
    user = person(request)
    found = access.conversation(user, id, Operation.READ)
    context = {"totals": totals_of(found), **warnings_of(user, found)}
    return render(request, "conversations/_after_answer.html", context)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise access.NotFound from None

"""Who takes part in a conversation, and the links to its snapshots: the panel beside the transcript and its writes."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from .. import access
from ..access import Operation
from ..actions import participants, sharing
from ..actions.errors import Invalid
from ..forms.sharing import ROLES, ShareLinkForm
from ..models import Conversation, Participant, ShareLink, User, Workspace
from ..models.colours import Colours
from .requests import Fields, answer, person

# Names offered while typing; in a larger workspace one types the name oneself.
SUGGESTED = 200


@require_safe
def people(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET …/people/: the panel. Who may only read or write sees who else does."""
    conversation = access.conversation(person(request), id, Operation.READ)
    return render(request, "sharing/_panel.html", panel_context(person(request), conversation))


@require_POST
def add(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """POST …/people/: `who` (a name or address) or `group` (its id), and `role`."""
    conversation = access.conversation(person(request), id, Operation.OWN)
    fields = Fields(request)
    role = fields.text("role") or Participant.Role.READER
    if group := fields.word("group"):
        added = participants.add_group(conversation, _number(group), role)
    else:
        added = participants.add_person(conversation, fields.text("who"), role)
    return _answer(request, conversation, {"participant": added.pk, "role": added.role}, 201)


@require_POST
def role(request: HttpRequest, id: uuid.UUID, participant: int) -> HttpResponse:
    found = access.participant(person(request), id, participant)
    participants.change_role(found, Fields(request).text("role"))
    return _answer(request, found.conversation, {"participant": participant})


@require_POST
def remove(request: HttpRequest, id: uuid.UUID, participant: int) -> HttpResponse:
    found = access.participant(person(request), id, participant)
    conversation = found.conversation
    participants.remove(found)
    return _answer(request, conversation, {"removed": True})


@require_POST
def leave(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Out of somebody else's conversation."""
    participants.remove(access.own_participation(person(request), id))
    return answer(request, {"left": True}, reverse("home"))


@require_POST
def visibility(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    conversation = access.conversation(person(request), id, Operation.OWN)
    participants.change_visibility(conversation, Fields(request).text("visibility"))
    return _answer(request, conversation, {"visibility": conversation.visibility})


@require_POST
def read(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Everything in it has been seen."""
    participants.mark_read(person(request), access.conversation(person(request), id, Operation.READ))
    return answer(request, {"read": True}, reverse("conversation", args=[id]))


@require_POST
def create_link(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """`message` (the last one shown; default: the newest), `days` (empty: for ever), `public`. Told once."""
    conversation = access.conversation(person(request), id, Operation.OWN)
    fields = Fields(request)
    form = ShareLinkForm({name: fields.word(name) for name in ("days", "public", "message")})
    if not form.is_valid():
        raise Invalid("A link lasts one of the offered times, and ends at one message.")
    chosen = form.cleaned_data
    leaf = None
    if chosen["message"]:
        leaf = access.message(person(request), id, chosen["message"], Operation.OWN)
    link, token = sharing.create_link(
        person(request), conversation, leaf, chosen["days"], public=chosen["public"]
    )
    url = request.build_absolute_uri(reverse("snapshot", args=[token]))
    return _answer(request, conversation, {"link": link.pk, "url": url}, 201)


@require_POST
def switch_link(request: HttpRequest, id: uuid.UUID, link: int) -> HttpResponse:
    """`on` is "true" or "false"."""
    found = access.share_link(person(request), id, link)
    to = Fields(request).word("on")
    if to not in ("true", "false"):
        raise Invalid("A link is switched on (true) or off (false).")
    sharing.switch_link(person(request), found, to == "true")
    return _answer(request, found.conversation, {"on": found.revoked_at is None})


@require_POST
def remove_link(request: HttpRequest, id: uuid.UUID, link: int) -> HttpResponse:
    found = access.share_link(person(request), id, link)
    conversation = found.conversation
    sharing.remove_link(person(request), found)
    return _answer(request, conversation, {"removed": True})


def _answer(
    request: HttpRequest, conversation: Conversation, body: dict[str, Any], status: int = 200
) -> HttpResponse:
    return answer(request, body, reverse("conversation", args=[conversation.pk]), status)


def panel_context(user: User, conversation: Conversation) -> dict[str, Any]:
    """What the panel reads."""
    rows = list(
        Participant.objects.filter(conversation=conversation).select_related("user", "group").order_by("pk")
    )
    colours = Colours(conversation)
    for row in rows:
        if row.user_id is not None:
            vars(row)["colour"] = colours.of(row.user_id)
    may_own = access.may(user, conversation, Operation.OWN)
    context: dict[str, Any] = {
        "conversation": conversation,
        "owner": conversation.owner,
        "owner_colour": colours.of(conversation.owner_id),
        "participants": rows,
        "may_own": may_own,
        "may_leave": any(row.user_id == user.pk for row in rows),
        "roles": ROLES,
        "user": user,
    }
    if may_own:
        taken = {row.group_id for row in rows}
        known = [conversation.owner_id, *(row.user_id for row in rows if row.user_id)]
        active = User.objects.filter(is_active=True).exclude(pk__in=known).order_by("username")
        context |= {
            "groups": [group for group in Group.objects.order_by("name") if group.pk not in taken],
            "members": active[:SUGGESTED],
            "links": list(ShareLink.objects.filter(conversation=conversation).order_by("-created_at")),
            "link_form": ShareLinkForm(),
            "public_links": Workspace.objects.current().public_links,
        }
    return context


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Invalid("This group does not exist.")
    return int(text)

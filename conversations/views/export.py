"""A conversation as a file: Markdown to read, JSON with everything the current branch holds."""

from __future__ import annotations

import json
import re
import uuid
from itertools import zip_longest
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from .. import access
from ..access import Operation
from ..attachments.sending import referred
from ..models import Conversation, GenerationStatus, Message
from ..rendering.characters import mark_hidden, visible
from ..rendering.fences import left_open
from ..rendering.inert import inert
from .files import files_of
from .footnotes import Footnotes, plain
from .messages import as_it_is_now, message_json
from .requests import person

# What some file system or other gives a meaning to.
_UNFIT = re.compile(r'[\s/\\:*?"<>|.~]+')
_RUNNING = "The answer was still running when this was exported."
_UNFINISHED = {
    GenerationStatus.QUEUED: _RUNNING,
    GenerationStatus.RUNNING: _RUNNING,
    GenerationStatus.STOPPED: "The answer was stopped.",
    GenerationStatus.INTERRUPTED: "The answer broke off.",
    GenerationStatus.FAILED: "There is no answer.",
}


@require_safe
def export(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """GET …/export/?as=markdown|json: the current branch as a download."""
    found = access.conversation(person(request), id, Operation.READ)
    path = Message.objects.path(found.current_leaf_id)
    if request.GET.get("as") == "json":
        return _download(found, "json", "application/json", _json(found, path))
    return _download(found, "md", "text/markdown; charset=utf-8", _markdown(found, path))


def _json(found: Conversation, path: list[Message]) -> str:
    document = {
        "conversation": found.pk,
        "title": found.title,
        "created_at": found.created_at,
        "parameters": found.parameters,
        "messages": [message_json(row) for row in path],
        "attachments": [
            {
                "id": file.pk,
                "name": file.name,
                "alt": file.alt,
                "media_type": file.media_type,
                "width": file.width,
                "height": file.height,
                "pages": file.pages,
                "size": file.size,
            }
            for file in files_of(path).values()
        ],
    }
    return as_json(document)


def as_json(document: Any) -> str:
    """As it stands in files that people take along."""
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def _markdown(found: Conversation, path: list[Message]) -> str:
    parts = [f"# {found}\n"]
    names = {
        id: f"{file.name} ({file.media_type})" + (f": {file.alt}" if file.alt else "")
        for id, file in files_of(path).items()
    }
    path = [as_it_is_now(row) for row in path]
    footnotes = Footnotes(found.pk, path)
    joined = False
    for row, following in zip_longest(path, path[1:]):
        if row.role == Message.Role.USER:
            if row.continues:
                continue
            listed = "".join(f"\n- {plain(names[id])}\n" for id in referred(row.content) if id in names)
            parts.append(f"\n## {row.author.name if row.author else 'User'}\n{listed}\n{row.text}\n")
        elif row.continues and joined:
            # A continuation goes on in the middle of a sentence: no heading, no line between.
            parts[-1] = parts[-1].removesuffix("\n") + footnotes.marked(row) + "\n"
        else:
            parts.append(f"\n## {row.model or 'Answer'}\n\n{footnotes.marked(row)}\n")
        joined = row.role == Message.Role.ASSISTANT
        went_on = following is not None and following.continues
        if not went_on and (fence := left_open(parts[-1])):
            # Or all that follows would be code.
            parts.append(f"{fence}\n")
        if row.status in _UNFINISHED and not went_on:
            parts.append(f"\n*{_UNFINISHED[GenerationStatus(row.status)]}*\n")
    # As a whole: a fence that one message leaves open is closed by another one's. What somebody hid in a text would
    # reach whatever the file is given to, as a copy of it would (promises MD19).
    return inert(mark_hidden("".join(parts) + footnotes.notes()))


def _download(found: Conversation, suffix: str, content_type: str, text: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    name = _UNFIT.sub("-", visible(found.title)).strip("-")[:60] or "conversation"
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.{suffix}") or "attachment"
    return response

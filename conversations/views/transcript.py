"""Messages as the templates show them: blocks, branch switcher, note, figures. Used by pages and fragments."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from ..actions.omission import omissible
from ..models import Attachment, Conversation, Generation, Message, User
from ..models.colours import Colours
from ..models.generation import LIVE
from ..rendering.characters import mark_hidden, visible
from ..upstream.capabilities import lookup
from ..upstream.silent import THINKING
from .citations import Citation, Citations, CitedFiles, cited_files, joined, runs
from .files import file_block, files_of
from .formatted import html_of
from .money import dollars, tokens
from .notes import Note, note_for

PAGE = 30
# Less reads as 0.0 s.
_WORTH_TELLING = 0.05


@dataclass(slots=True)
class MessageView:
    """What `_message.html` reads."""

    id: uuid.UUID
    role: str
    parent: uuid.UUID | None
    status: str
    author: dict[str, Any]
    created_at: datetime
    shared: bool
    blocks: list[dict[str, Any]] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    text: str = ""
    is_left_out: bool = False
    note: Note | None = None
    branch: dict[str, Any] | None = None
    model: str = ""
    usage: dict[str, int] | None = None
    cost: str = ""
    duration: float | None = None
    generation: uuid.UUID | None = None
    running: bool = False
    joined: bool = False
    can_edit: bool = False
    can_regenerate: bool = False


def page_of(
    conversation: Conversation, leaf: uuid.UUID | None, viewer: User, *, may_write: bool
) -> tuple[list[MessageView], bool]:
    """The last messages of the branch that ends in `leaf`, oldest first, and whether there are earlier ones.

    The number of queries does not depend on how long the conversation is.
    """
    path = Message.objects.path(leaf, PAGE + 1)
    has_earlier = len(path) > PAGE
    return views_of(conversation, path[-PAGE:], viewer, may_write=may_write), has_earlier


def views_of(
    conversation: Conversation, messages: list[Message], viewer: User, *, may_write: bool
) -> list[MessageView]:
    """The views of these neighbours on one branch, oldest first; turns of our own that only asked to go on are left
    out.
    """
    siblings = _siblings(conversation, messages)
    files, cited = files_of(messages), cited_files(conversation, messages)
    omits = omissible(messages) if may_write else {}
    shown = [
        message for message in messages if message.role == Message.Role.ASSISTANT or not message.continues
    ]
    views = [
        _view(
            message, siblings[message.parent_id], viewer, may_write, files, cited, omits.get(message.pk, "")
        )
        for message in shown
    ]
    colours = Colours(conversation)
    for message, view in zip(shown, views, strict=True):
        if message.author_id is not None and view.shared:
            view.author["colour"] = colours.of(message.author_id)
    return views


def _siblings(
    conversation: Conversation, messages: list[Message]
) -> dict[uuid.UUID | None, list[tuple[uuid.UUID, str]]]:
    parents = {message.parent_id for message in messages}
    known = Q(parent_id__in=[parent for parent in parents if parent is not None])
    if None in parents:
        known |= Q(parent=None)
    rows = Message.objects.filter(known, conversation=conversation).order_by("created_at")
    found: dict[uuid.UUID | None, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    for parent, id, role in rows.values_list("parent_id", "pk", "role"):
        found[parent].append((id, role))
    return found


def _view(
    message: Message,
    siblings: list[tuple[uuid.UUID, str]],
    viewer: User,
    may_write: bool,
    files: dict[str, Attachment],
    cited: CitedFiles,
    omits: str,
) -> MessageView:
    generation: Generation | None = getattr(message, "generation", None)
    running = message.status in LIVE and generation is not None and generation.is_live
    view = MessageView(
        id=message.pk,
        role=message.role,
        parent=message.parent_id,
        status=generation.status if running and generation is not None else message.status,
        author=_author(message.author),
        created_at=message.created_at,
        shared=message.author_id != viewer.pk,
        text=mark_hidden(message.text),
        branch=_branch(message, siblings),
        joined=message.continues,
        generation=generation.pk if generation is not None else None,
        running=running,
    )
    if message.role == Message.Role.USER:
        view.blocks = [_user_block(index, block, files) for index, block in enumerate(message.content)]
        view.is_left_out = any(one.get("omitted") and one.get("type") == "text" for one in message.content)
        view.can_edit = may_write
        return view
    view.can_regenerate = may_write and not running
    view.model = _model_label(message, generation)
    if running:
        # Its text arrives over the socket, from the first event.
        return view
    citations = Citations(message.pk, cited)
    view.blocks = _answer_blocks(message, citations)
    view.citations = citations.found
    view.note = note_for(message, viewer, omits)
    if view.note is not None and not may_write:
        view.note = Note(view.note.kind, view.note.text, [])
    view.usage = tokens(message.usage)
    # What brought nothing and was not counted may never have been asked.
    was_answered = message.usage or message.content or message.cost_microdollars
    view.cost = dollars(message.cost_microdollars) if was_answered else ""
    if message.finished_at is not None and generation is not None:
        seconds = (message.finished_at - generation.created_at).total_seconds()
        view.duration = seconds if seconds >= _WORTH_TELLING else None
    return view


def _model_label(message: Message, generation: Generation | None) -> str:
    """The name people know the model by: the administrator's, else the table's, else its id."""
    asked = message.model or (generation.model if generation is not None else "")
    language_model = generation.language_model if generation is not None else None
    if language_model is None:
        return lookup(asked).display_name or asked
    return language_model.name if asked == language_model.model_id else lookup(asked).display_name or asked


def _author(user: User | None) -> dict[str, Any]:
    """Of a person's turn; nobody: the account was removed."""
    name = user.name if user is not None else "Removed account"
    return {"name": name, "initial": name[:1].upper()}


def _branch(message: Message, siblings: list[tuple[uuid.UUID, str]]) -> dict[str, Any] | None:
    same = [id for id, role in siblings if role == message.role]
    if len(same) < 2 or message.pk not in same:
        return None
    place = same.index(message.pk)
    return {
        "index": place + 1,
        "count": len(same),
        "previous": same[place - 1] if place else None,
        "next": same[place + 1] if place + 1 < len(same) else None,
    }


def _user_block(index: int, block: dict[str, Any], files: dict[str, Attachment]) -> dict[str, Any]:
    if block.get("type") == "text":
        text = visible(block.get("text", ""))
        return {"kind": "text", "index": index, "source": text, "html": [text]}
    if (shown := file_block(index, block, files)) is not None:
        return shown
    return {"kind": "unknown", "index": index, "type": block.get("type", "")}


def _answer_blocks(message: Message, citations: Citations) -> list[dict[str, Any]]:
    formatted = html_of(message)
    # As words: of an upstream's block nobody knows what its fields hold.
    results = {str(block["tool_use_id"]): block for block in message.content if "tool_use_id" in block}
    shown: list[dict[str, Any]] = []
    for run in runs(message.content):
        index, block = run[0]
        kind = block.get("type", "")
        if kind == "text":
            pieces = [(one.get("text") or "", formatted[at], citations.marks(one)) for at, one in run]
            source = "".join(text for text, _, _ in pieces)
            shown.append({"kind": "text", "index": index, "html": joined(pieces), "source": source})
        elif kind in THINKING:
            redacted = kind == "redacted_thinking"
            shown.append(
                {
                    "kind": "thinking",
                    "index": index,
                    "text": visible(str(block.get("thinking") or "")),
                    "redacted": redacted,
                    "seconds": (message.thinking_seconds or {}).get(str(index)),
                }
            )
        elif kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            shown.append(_tool_block(index, block, results.get(str(block.get("id")))))
        elif "tool_use_id" not in block:
            shown.append({"kind": "unknown", "index": index, "type": kind})
    return shown


def _tool_block(index: int, block: dict[str, Any], result: dict[str, Any] | None) -> dict[str, Any]:
    # What came instead of JSON is shown as it came.
    raw = block.get("partial_json")
    return {
        "kind": "tool",
        "index": index,
        "name": visible(str(block.get("name", ""))),
        "input": visible(str(raw)) if raw else _json(block.get("input", {})),
        "result": _json(result.get("content")) if result else "",
        "state": "done" if result else "failed" if raw else "not run",
    }


def _json(value: object) -> str:
    return visible(json.dumps(value, indent=2, ensure_ascii=False))

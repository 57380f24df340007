"""The ways to ask for an answer: a new conversation, a further message, another text for one, another answer to one.
Each is one transaction, on disk before anybody is told. Called by views.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from ..models import Conversation, LanguageModel, Message, User, Workspace
from . import attachments as files
from . import branches, idempotency
from .asking import Sent, ask, text_content, user_turn
from .choices import parameters_for
from .errors import Invalid
from .text import as_in_a_form, clean_prompt, clean_title, storable


def start(
    user: User,
    text: str,
    client_id: uuid.UUID,
    *,
    owner: str,
    model: str = "",
    parameters: dict[str, Any] | None = None,
    attachments: Sequence[uuid.UUID] = (),
) -> Sent:
    """A new conversation with its first message, its answer queued.

    `owner` is the process that will answer. Raises Invalid, TooLarge, ClientIdReused, Unavailable,
    BudgetExceeded.
    """
    asked = {
        name: as_in_a_form(raw) if isinstance(raw, str) else raw for name, raw in (parameters or {}).items()
    }
    digest = idempotency.digest(
        {
            "act": "start",
            "text": as_in_a_form(text),
            "model": model,
            "parameters": asked,
            "files": attachments,
        }
    )

    def make(chosen: LanguageModel) -> tuple[Conversation, Message]:
        content = text_content(clean_prompt(text, may_be_empty=bool(attachments)))
        conversation = Conversation(
            owner=user,
            title=provisional_title(text) or clean_title(files.title_of(user, attachments)),
            language_model=chosen if model else None,
            parameters=_first_parameters(parameters or {}),
            current_leaf=None,
        )
        conversation.save(force_insert=True)
        taken = files.take(user, conversation, attachments, chosen)
        return conversation, user_turn(conversation, None, user, taken + content)

    return ask(user, client_id, digest, owner, make, within=None, model=model)


def send(
    user: User,
    conversation: Conversation,
    text: str,
    client_id: uuid.UUID,
    *,
    owner: str,
    parent: uuid.UUID | None = None,
    attachments: Sequence[uuid.UUID] = (),
) -> Sent:
    """The next turn under `parent` (default: the current leaf).

    Raises Invalid, TooLarge, Busy, ClientIdReused, Unavailable, BudgetExceeded.
    """
    digest = idempotency.digest(
        {
            "act": "send",
            "in": conversation.pk,
            "text": as_in_a_form(text),
            "parent": parent,
            "files": attachments,
        }
    )

    def make(chosen: LanguageModel) -> tuple[Conversation, Message]:
        content = text_content(clean_prompt(text, may_be_empty=bool(attachments)))
        locked = branches.lock(conversation)
        under = branches.parent_of_send(locked, parent)
        branches.refuse_if_busy(locked, under)
        taken = files.take(user, locked, attachments, chosen)
        return locked, user_turn(locked, under, user, taken + content)

    return ask(user, client_id, digest, owner, make, within=conversation)


def edit(
    user: User,
    message: Message,
    text: str,
    client_id: uuid.UUID,
    *,
    owner: str,
    attachments: Sequence[uuid.UUID] = (),
) -> Sent:
    """A sibling of one's message with another text, its files kept and further ones added. Raises as `send`."""
    if message.role != Message.Role.USER:
        raise Invalid("Only a person's message can be edited.")
    kept = [block for block in message.content if block.get("type") != "text"]
    conversation = message.conversation
    digest = idempotency.digest(
        {"act": "edit", "message": message.pk, "text": as_in_a_form(text), "files": attachments}
    )

    def make(chosen: LanguageModel) -> tuple[Conversation, Message]:
        content = text_content(clean_prompt(text, may_be_empty=bool(kept or attachments)))
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.parent_id)
        taken = files.take(user, locked, attachments, chosen, kept)
        return locked, user_turn(locked, message.parent_id, user, kept + taken + content)

    return ask(user, client_id, digest, owner, make, within=conversation)


def regenerate(user: User, message: Message, client_id: uuid.UUID, *, owner: str, model: str = "") -> Sent:
    """Another answer to the same message, as a sibling of this one. Raises as `send`."""
    if message.role != Message.Role.ASSISTANT or message.parent_id is None:
        raise Invalid("Only an answer can be regenerated.")
    conversation = message.conversation
    digest = idempotency.digest({"act": "regenerate", "message": message.pk, "model": model})

    def make(_: LanguageModel) -> tuple[Conversation, Message]:
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.parent_id)
        return locked, Message.objects.get(children=message)

    return ask(
        user, client_id, digest, owner, make, within=conversation, model=model, continues=message.continues
    )


def _first_parameters(raw: dict[str, Any]) -> dict[str, Any]:
    """The workspace's system prompt is copied once: a later change of it leaves running conversations as they are,
    so that every request begins with the one before.
    """
    chosen = parameters_for(raw)
    if "system" not in chosen and (prompt := Workspace.objects.current().system_prompt):
        # The records, and versions before, stored it with the line ends of a form.
        chosen["system"] = storable(prompt)
    return chosen


def provisional_title(text: str) -> str:
    """What the sidebar shows until the model has found a title: the first words."""
    line = clean_title(text.lstrip()[:400])
    return line if len(line) <= 60 else line[:60].rsplit(" ", 1)[0] + "…"

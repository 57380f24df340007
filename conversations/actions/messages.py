"""Sending: a person's turn, the empty answer to it and its generation, in one transaction that is on disk first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import access
from ..live import news
from ..models import Conversation, Generation, GenerationStatus, LanguageModel, Message, User, Workspace
from . import attachments as files
from . import branches, budgets, idempotency
from .choices import model_for, parameters_for
from .errors import Invalid, Unavailable
from .text import clean_prompt, clean_title
from .transaction import writing

Content = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send made, or what the first of several equal sends made (`created` is False then)."""

    conversation: uuid.UUID
    message: uuid.UUID | None
    reply: uuid.UUID
    generation: Generation
    created: bool


def text_content(text: str) -> Content:
    """The text of a user turn: one block, none for the turn that is files alone (the API takes no empty text)."""
    return [{"type": "text", "text": text}] if text else []


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
    fields = idempotency.digest(
        {"act": "start", "text": text, "model": model, "parameters": parameters or {}, "files": attachments}
    )

    def make(chosen: LanguageModel) -> tuple[Conversation, Message]:
        content = text_content(clean_prompt(text, may_be_empty=bool(attachments)))
        conversation = Conversation(
            owner=user,
            title=provisional_title(text) or files.title_of(user, attachments),
            language_model=chosen if model else None,
            parameters=_first_parameters(parameters or {}),
            current_leaf=None,
        )
        conversation.save(force_insert=True)
        taken = files.take(user, conversation, attachments, chosen)
        return conversation, user_turn(conversation, None, user, taken + content)

    return begin(user, client_id, fields, owner, lambda: model_for(user, None, model), make)


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
    fields = idempotency.digest(
        {"act": "send", "in": conversation.pk, "text": text, "parent": parent, "files": attachments}
    )

    def make(chosen: LanguageModel) -> tuple[Conversation, Message]:
        content = text_content(clean_prompt(text, may_be_empty=bool(attachments)))
        locked = branches.lock(conversation)
        under = branches.parent_of_send(locked, parent)
        branches.refuse_if_busy(locked, under)
        taken = files.take(user, locked, attachments, chosen)
        return locked, user_turn(locked, under, user, taken + content)

    return begin(user, client_id, fields, owner, lambda: model_for(user, conversation, ""), make)


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
        raise Invalid("Only a message of a person can be edited.")
    kept = [block for block in message.content if block.get("type") != "text"]
    conversation = message.conversation
    fields = idempotency.digest({"act": "edit", "message": message.pk, "text": text, "files": attachments})

    def make(chosen: LanguageModel) -> tuple[Conversation, Message]:
        content = text_content(clean_prompt(text, may_be_empty=bool(kept or attachments)))
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.parent_id)
        taken = files.take(user, locked, attachments, chosen, kept)
        return locked, user_turn(locked, message.parent_id, user, kept + taken + content)

    return begin(user, client_id, fields, owner, lambda: model_for(user, conversation, ""), make)


def regenerate(user: User, message: Message, client_id: uuid.UUID, *, owner: str, model: str = "") -> Sent:
    """Another answer to the same message, as a sibling of this one. Raises as `send`."""
    if message.role != Message.Role.ASSISTANT or message.parent_id is None:
        raise Invalid("Only an answer can be asked for again.")
    conversation = message.conversation
    fields = idempotency.digest({"act": "regenerate", "message": message.pk, "model": model})

    def make(_: LanguageModel) -> tuple[Conversation, Message]:
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.parent_id)
        return locked, Message.objects.get(children=message)

    return begin(
        user,
        client_id,
        fields,
        owner,
        lambda: model_for(user, conversation, model),
        make,
        continues=message.continues,
    )


def _first_parameters(raw: dict[str, Any]) -> dict[str, Any]:
    """The workspace's system prompt is copied once: a later change of it leaves running conversations as they are,
    so that every request begins with the one before.
    """
    chosen = parameters_for(raw)
    if "system" not in chosen and (prompt := Workspace.objects.current().system_prompt):
        chosen["system"] = prompt
    return chosen


def provisional_title(text: str) -> str:
    """What the sidebar shows until the model has found a title: the first words."""
    line = clean_title(text[:400])
    return line if len(line) <= 60 else line[:60].rsplit(" ", 1)[0] + "…"


def user_turn(
    conversation: Conversation,
    parent: uuid.UUID | None,
    user: User,
    content: Content,
    *,
    continues: bool = False,
) -> Message:
    """A stored user message. Call inside a write transaction."""
    message = Message(
        conversation=conversation,
        parent_id=parent,
        role=Message.Role.USER,
        author=user,
        content=content,
        continues=continues,
    )
    message.save(force_insert=True)
    return message


def begin(
    user: User,
    client_id: uuid.UUID,
    fields: str,
    owner: str,
    choose: Callable[[], LanguageModel],
    make: Callable[[LanguageModel], tuple[Conversation, Message]],
    *,
    continues: bool = False,
) -> Sent:
    """One transaction: `make` yields the turn to answer; the reply and its generation are added here.

    A send is known by its id before anything else is asked of it, so whatever may be wrong with it is found in `make`.
    """
    with writing():
        before = idempotency.earlier(user, client_id, fields)
        if before is not None:
            return Sent(
                before.conversation_id, before.message.parent_id, before.message_id, before, created=False
            )
        if not owner:
            raise Unavailable("The server is about to restart. Send again in a moment.")
        language_model = choose()
        conversation, turn = make(language_model)
        reply = Message(
            conversation=conversation,
            parent=turn,
            role=Message.Role.ASSISTANT,
            status=GenerationStatus.QUEUED,
            continues=continues,
            created_at=timezone.now(),
        )
        reply.save(force_insert=True)
        generation = Generation(
            conversation=conversation,
            message=reply,
            requested_by=user,
            client_id=client_id,
            client_digest=fields,
            language_model=language_model,
            model=language_model.model_id,
            upstream=language_model.provider.upstream,
            parameters=conversation.parameters,
            reserved_microdollars=budgets.reserve(user, language_model, turn, conversation.parameters),
            owner=owner,
            lease_until=timezone.now() + timedelta(seconds=settings.LEASE_SECONDS),
        )
        generation.save(force_insert=True)
        conversation.current_leaf = reply
        conversation.updated_at = timezone.now()
        conversation.archived_at = None
        conversation.save(update_fields=["current_leaf", "updated_at", "archived_at"])
        people = access.audience(conversation)
        transaction.on_commit(lambda: news.message_created(conversation, turn, reply, generation, people))
    return Sent(conversation.pk, turn.pk, reply.pk, generation, created=True)

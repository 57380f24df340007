"""A turn to answer becomes a queued answer: what sending, editing, asking again, continuing and going on without files
have in common. Used by `messages`, `continuation` and `omission`; the engine takes over what is queued here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from .. import access
from ..live import news
from ..models import Conversation, Generation, GenerationStatus, LanguageModel, Message, User
from ..models.generation import lease_end
from . import budgets, idempotency
from .choices import model_for
from .errors import Unavailable
from .transaction import writing

Content = list[dict[str, Any]]
Make = Callable[[LanguageModel], tuple[Conversation, Message]]
"""Given the model that will answer: the turn to answer, stored here if it is new, and its conversation, locked."""


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


def hold_sender(user: User) -> None:
    """Sends of one person take turns from here to the end of the transaction. Raises NotFound when the person was
    deactivated or removed while this one waited.
    """
    person = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True)
    if not list(person.values_list("pk")):
        raise access.NotFound


def ask(
    user: User,
    client_id: uuid.UUID,
    digest: str,
    owner: str,
    make: Make,
    *,
    within: Conversation | None,
    model: str = "",
    continues: bool = False,
) -> Sent:
    """Queue an answer, in one transaction: `make` gives the turn to answer, the empty reply and its generation
    are added here, for the process `owner` to work on ("": the server is about to stop).

    `within` (None: in a new conversation) and `model` decide which model answers, as in `choices.model_for`. A send
    that was made before is known by `client_id` and the `digest` of its fields, and returned before anything else is
    asked of it: so whatever may be wrong with a send is found in `make`. Raises NotFound for somebody who may not write
    there any more, ClientIdReused, Unavailable, Invalid, BudgetExceeded, and what `make` raises.
    """
    with writing():
        hold_sender(user)
        before = idempotency.earlier(user, client_id, digest)
        if before is not None:
            return Sent(
                before.conversation_id, before.message.parent_id, before.message_id, before, created=False
            )
        if not owner:
            raise Unavailable("The server is about to restart. Send again in a moment.")
        language_model = model_for(user, within, model)
        conversation, turn = make(language_model)
        # While it waited for the conversation, which it holds now, the right may have gone.
        if not access.may(user, conversation, access.Operation.WRITE):
            raise access.NotFound
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
            client_digest=digest,
            language_model=language_model,
            model=language_model.model_id,
            upstream=language_model.provider.upstream,
            parameters=conversation.parameters,
            reserved_microdollars=budgets.reserve(user, language_model, turn, conversation.parameters),
            owner=owner,
            lease_until=lease_end(),
        )
        generation.save(force_insert=True)
        conversation.current_leaf = reply
        conversation.updated_at = timezone.now()
        conversation.archived_at = None
        conversation.save(update_fields=["current_leaf", "updated_at", "archived_at"])
        people = access.audience(conversation)
        transaction.on_commit(lambda: news.message_created(conversation, turn, reply, generation, people))
    return Sent(conversation.pk, turn.pk, reply.pk, generation, created=True)

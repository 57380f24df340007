"""Going on with an answer that broke off or ran into its limit: by prefill, or by a turn that asks to go on."""

from __future__ import annotations

import uuid
from typing import Any

from ..models import Conversation, GenerationStatus, LanguageModel, Message, User
from . import branches, idempotency
from .asking import Sent, ask, text_content, user_turn
from .errors import Invalid

_QUOTED_CHARACTERS = 200
# The upstream goes on when the same comes again with what it has said so far (messages-api 8.1).
_PAUSES = {"pause_turn", "compaction"}
_CONTINUABLE_REASONS = {"max_tokens", "model_context_window_exceeded"} | _PAUSES


def can_continue(message: Message) -> bool:
    """Whether an answer has text that something can be added to, and that goes out again."""
    if message.role != Message.Role.ASSISTANT or not message.content or message.stop_reason == "refusal":
        return False
    if message.status in (GenerationStatus.INTERRUPTED, GenerationStatus.STOPPED):
        return True
    return message.status == GenerationStatus.COMPLETED and message.stop_reason in _CONTINUABLE_REASONS


def continue_answer(user: User, message: Message, client_id: uuid.UUID, *, owner: str) -> Sent:
    """An answer that goes on where this one ended, as its child; shown joined to it.

    Where the model takes a prefilled answer it simply goes on; else a turn of ours quotes where it stopped
    (messages-api 9.5). Raises as `send`.
    """
    if not can_continue(message):
        raise Invalid("There is nothing here to continue.")
    conversation = message.conversation
    digest = idempotency.digest({"act": "continue", "message": message.pk})

    def make(language_model: LanguageModel) -> tuple[Conversation, Message]:
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.pk)
        if takes_prefill(message, language_model, locked.parameters):
            return locked, message
        return locked, user_turn(
            locked, message.pk, user, text_content(request_to_go_on(message)), continues=True
        )

    return ask(user, client_id, digest, owner, make, within=conversation, continues=True)


def is_paused(message: Message) -> bool:
    """Whether the upstream paused and expects its own words back as they are, nothing after them."""
    return message.stop_reason in _PAUSES


def takes_prefill(message: Message, language_model: LanguageModel, parameters: dict[str, Any]) -> bool:
    """The model, with these parameters, accepts this answer as a trailing assistant turn (messages-api 3.1, 6.1)."""
    if is_paused(message):
        return True
    thinks = parameters.get("thinking") == "on"
    ends_in_text = message.content[-1].get("type") == "text" and bool(
        message.content[-1].get("text", "").strip()
    )
    return language_model.can.prefill and not thinks and ends_in_text


def request_to_go_on(message: Message) -> str:
    """What asks for the rest where the answer cannot be prefilled."""
    tail = message.text[-_QUOTED_CHARACTERS:]
    if not tail.strip():
        return "Your previous answer was cut off before its text began. Write it now."
    return (
        "Your previous answer was cut off. It ended with:\n\n"
        f"{tail}\n\n"
        "Go on exactly where it stopped. Do not repeat anything and do not comment on the interruption."
    )

"""Going on without files that the provider refuses, so that one of them cannot end a conversation (promise P26)."""

from __future__ import annotations

import uuid
from typing import Any

from ..attachments.sending import referred
from ..models import Attachment, Conversation, GenerationStatus, LanguageModel, Message, User
from . import branches, idempotency
from .choices import model_for
from .errors import Invalid
from .messages import Sent, begin
from .transaction import writing

Block = dict[str, Any]

_REFUSALS = ("invalid", "size")


def can_omit(message: Message) -> bool:
    """Whether this answer failed because the request was refused, and files may be the reason."""
    if (
        not _was_refused(message)
        or not Attachment.objects.filter(conversation=message.conversation_id).exists()
    ):
        return False
    return bool(_turns_with_files(message))


def omit_from_turn(message: Message) -> int:
    """Leaves the files of one's turn out of later requests; they stay on the page. Returns how many. Raises Invalid."""
    if message.role != Message.Role.USER:
        raise Invalid("Only a message of a person has files.")
    with writing():
        branches.lock(message.conversation)
        return _leave_out([Message.objects.get(pk=message.pk)])


def answer_without_files(user: User, message: Message, client_id: uuid.UUID, *, owner: str) -> Sent:
    """Another answer in place of a refused one, to a request without the files that no answer has come to yet, or,
    where there are none of these, without any file. Raises as `send`.
    """
    if not _was_refused(message) or message.parent_id is None:
        raise Invalid("This answer did not fail because of a file.")
    conversation = message.conversation
    fields = idempotency.digest({"act": "omit", "message": message.pk})

    def make(_: LanguageModel) -> tuple[Conversation, Message]:
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.parent_id)
        _leave_out(_turns_with_files(message))
        return locked, Message.objects.get(children=message)

    return begin(
        user,
        client_id,
        fields,
        owner,
        lambda: model_for(user, conversation, ""),
        make,
        continues=message.continues,
    )


def _was_refused(message: Message) -> bool:
    return (
        message.role == Message.Role.ASSISTANT
        and message.status == GenerationStatus.FAILED
        and (message.error or {}).get("type") in _REFUSALS
    )


def _turns_with_files(message: Message) -> list[Message]:
    """The turns above a failed answer whose files may be to blame."""
    path = Message.objects.path(message.parent_id)
    unanswered: list[Message] = []
    for turn in reversed(path):
        if turn.role == Message.Role.ASSISTANT and turn.status == GenerationStatus.COMPLETED and turn.content:
            break
        unanswered.append(turn)
    return [turn for turn in unanswered if _has_files(turn)] or [turn for turn in path if _has_files(turn)]


def _has_files(message: Message) -> bool:
    return message.role == Message.Role.USER and any(_goes_out(block) for block in message.content)


def _goes_out(block: Block) -> bool:
    return bool(referred([block])) and not block.get("omitted")


def _leave_out(messages: list[Message]) -> int:
    count = 0
    for message in messages:
        count += sum(_goes_out(block) for block in message.content)
        message.content = [{**b, "omitted": True} if _goes_out(b) else b for b in message.content]
        message.save(update_fields=["content"])
    return count

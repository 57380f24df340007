"""Going on without what the provider refuses, files or earlier words, so that nothing can end a conversation (promise
P26).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ..attachments.sending import referred
from ..models import Attachment, Conversation, GenerationStatus, LanguageModel, Message, User
from ..upstream.silent import says_nothing
from . import branches, idempotency
from .asking import Sent, ask
from .errors import Invalid
from .transaction import writing

Block = dict[str, Any]

_REFUSALS = ("invalid", "size")
# Enough to see whether somebody was left without an answer just before.
_NEWEST = 5


def omissible(message: Message) -> str:
    """What this answer's next try can do without, since the request was refused: files, else messages that nobody has
    answered, as words for "Go on without …". "" where there is nothing to leave out.
    """
    if not _was_refused(message):
        return ""
    has_any = Attachment.objects.filter(conversation=message.conversation_id).exists()
    if has_any and _turns_with_files(Message.objects.path(message.parent_id)):
        return "the files"
    return (
        "the earlier unanswered messages"
        if _unanswered(Message.objects.path(message.parent_id, _NEWEST))[1:]
        else ""
    )


def omit_from_turn(message: Message) -> int:
    """Leaves the files of one's turn out of later requests; they stay on the page. Returns how many. Raises Invalid."""
    if message.role != Message.Role.USER:
        raise Invalid("Only a person's message has files.")
    with writing():
        branches.lock(message.conversation)
        return _leave_out([Message.objects.get(pk=message.pk)], _is_file)


def answer_without(user: User, message: Message, client_id: uuid.UUID, *, owner: str) -> Sent:
    """Another answer in place of a refused one, to a request without the files that no answer has come to yet; where
    there are none of these, without any file; where there is none at all, without the unanswered messages before this
    one. Raises as `send`.
    """
    if not _was_refused(message) or message.parent_id is None:
        raise Invalid("This answer did not fail because the request was refused.")
    conversation = message.conversation
    digest = idempotency.digest({"act": "omit", "message": message.pk})

    def make(_: LanguageModel) -> tuple[Conversation, Message]:
        locked = branches.lock(conversation)
        branches.refuse_if_busy(locked, message.parent_id)
        path = Message.objects.path(message.parent_id)
        if with_files := _turns_with_files(path):
            _leave_out(with_files, _is_file)
        else:
            _leave_out(_unanswered(path)[1:], _is_anything)
        return locked, Message.objects.get(children=message)

    return ask(user, client_id, digest, owner, make, within=conversation, continues=message.continues)


def _was_refused(message: Message) -> bool:
    return (
        message.role == Message.Role.ASSISTANT
        and message.status == GenerationStatus.FAILED
        and (message.error or {}).get("type") in _REFUSALS
    )


def _unanswered(path: list[Message]) -> list[Message]:
    """The newest turns, from the end on, to which no answer has come yet."""
    found: list[Message] = []
    for turn in reversed(path):
        if turn.role == Message.Role.USER:
            found.append(turn)
        elif turn.status == GenerationStatus.COMPLETED and not says_nothing(turn.content):
            break
    return found


def _turns_with_files(path: list[Message]) -> list[Message]:
    """The turns whose files may be to blame."""
    return [turn for turn in _unanswered(path) if _has_files(turn)] or [
        turn for turn in path if _has_files(turn)
    ]


def _has_files(message: Message) -> bool:
    return message.role == Message.Role.USER and any(_is_file(block) for block in message.content)


def _is_anything(block: Block) -> bool:
    return not block.get("omitted")


def _is_file(block: Block) -> bool:
    return bool(referred([block])) and _is_anything(block)


def _leave_out(messages: list[Message], which: Callable[[Block], bool]) -> int:
    count = 0
    for message in messages:
        count += sum(which(block) for block in message.content)
        message.content = [{**block, "omitted": True} if which(block) else block for block in message.content]
        message.save(update_fields=["content"])
    return count

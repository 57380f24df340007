"""Going on without what the provider refuses, files or earlier words, so that nothing can end a conversation (promise
P26).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
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


def omissible(branch: Sequence[Message]) -> dict[uuid.UUID, str]:
    """What the next try of each refused answer can do without, by its id: files, else messages that nobody has
    answered, as words for "Go on without …". Answers with nothing to leave out are not in it.

    `branch` are neighbours on one branch, oldest first. The number of queries does not depend on how many are refused.
    """
    if not any(_was_refused(message) for message in branch):
        return {}
    path = Message.objects.path(branch[0].parent_id, _NEWEST, related=())
    has_files = _has_files_before(branch[0])
    found = {}
    for message in branch:
        if _was_refused(message):
            if has_files:
                found[message.pk] = "the files"
            elif _unanswered(path[-_NEWEST:])[1:]:
                found[message.pk] = "the earlier unanswered messages"
        has_files = has_files or _has_files(message)
        path.append(message)
    return found


def _has_files_before(message: Message) -> bool:
    """Whether a turn above this message has a file. Of a long branch answers are the most, and are not read."""
    if not Attachment.objects.filter(conversation=message.conversation_id).exists():
        return False
    above = set(Message.objects.path_ids(message.parent_id))
    turns = Message.objects.filter(conversation=message.conversation_id, role=Message.Role.USER)
    return any(turn.pk in above and _has_files(turn) for turn in turns.only("role", "content").iterator())


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
    """The newest turns of people, from the end on, to which no answer has come yet. What asks to go on with half an
    answer belongs to the turn above that.
    """
    found: list[Message] = []
    for turn in reversed(path):
        if turn.role == Message.Role.USER:
            if not turn.continues:
                found.append(turn)
        elif says_all(turn):
            break
    return found


def says_all(message: Message) -> bool:
    """Whether this is a whole answer that says something."""
    is_complete = message.role == Message.Role.ASSISTANT and message.status == GenerationStatus.COMPLETED
    return is_complete and not says_nothing(message.content)


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

"""What an owner or writer does to a conversation as a whole: name, place, settings, branch, copy.

Everything but `restore` raises NotFound when somebody has deleted it since it was looked up.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..attachments.sending import redirected
from ..live import news
from ..models import Conversation, Message, User
from . import after_commit, attachments, branches, uploads
from .choices import model_for, parameters_for
from .errors import Invalid
from .text import clean_title
from .transaction import hold, writing


def rename(conversation: Conversation, title: str) -> str:
    """A title of a person's own; the automatic one never replaces it. Returns it as it is stored. Raises Invalid when
    empty.
    """
    cleaned = clean_title(title)
    if not cleaned:
        raise Invalid("The title is empty.")
    _update(conversation, title=cleaned, titled_by_person=True)
    return cleaned


def archive(conversation: Conversation, archived: bool) -> None:
    _update(conversation, archived_at=timezone.now() if archived else None)


def delete(conversation: Conversation) -> None:
    """Gone for everybody at once, but kept for an undo; running answers are stopped by the caller."""
    _update(conversation, deleted_at=timezone.now())


def restore(conversation: Conversation) -> None:
    """Undo a deletion. Raises NotFound when its owner has been removed meanwhile, TooLarge when other files have taken
    the room of these.
    """
    with writing():
        givers = uploads.givers_of(conversation)
        hold(conversation)
        conversation.deleted_at = None
        conversation.save(update_fields=["deleted_at"])
        after_commit.conversation_updated(conversation)
        uploads.refuse_without_room(givers)


def change_settings(
    user: User, conversation: Conversation, model: str, raw: dict[str, Any]
) -> dict[str, Any]:
    """Model and parameters of the next request; earlier requests keep what they were made with. What `raw` does not
    name stays as it is, and what is empty there is removed. Returns the parameters as they are stored. Raises Invalid.
    """
    changed = parameters_for(raw)
    changes: dict[str, Any] = {}
    if model:
        changes["language_model"] = model_for(user, conversation, model)
    with writing():
        # Another page may have changed the rest meanwhile.
        locked = branches.lock(conversation)
        kept = {name: value for name, value in locked.parameters.items() if name not in raw}
        changes["parameters"] = parameters = kept | changed
        _store(locked, changes)
    return parameters


def select_branch(conversation: Conversation, message: Message) -> uuid.UUID:
    """Show the branch that goes through `message`: its most recent leaf becomes the current one. Returns that leaf."""
    with writing():
        locked = branches.lock(conversation)
        locked.current_leaf_id = leaf = Message.objects.newest_leaf(message.pk)
        locked.save(update_fields=["current_leaf"])
    return leaf


def fork(user: User, conversation: Conversation, leaf: Message) -> Conversation:
    """A new conversation of this person's own with copies of the messages up to `leaf`; finished ones only."""
    # Read before others have to wait: finished messages never change.
    path = Message.objects.path(leaf.pk, related=("generation",))
    with writing():
        # As it is now: its model may have been removed meanwhile.
        locked = branches.lock(conversation)
        copy = Conversation(
            owner=user,
            title=clean_title(f"{locked.title} (copy)"),
            titled_by_person=True,
            language_model_id=locked.language_model_id,
            parameters=locked.parameters,
        )
        copy.save(force_insert=True)
        files = attachments.copy_into(copy, path)
        copies: list[Message] = []
        for original in path:
            generation = getattr(original, "generation", None)
            if generation is not None and generation.is_live:
                break
            copies.append(_copied(original, copy, copies[-1] if copies else None, files))
        Message.objects.bulk_create(copies)
        copy.current_leaf = copies[-1] if copies else None
        copy.save(update_fields=["current_leaf"])
        transaction.on_commit(lambda: news.conversation_updated(copy, {user.pk}))
    return copy


def _copied(
    original: Message, conversation: Conversation, parent: Message | None, files: dict[str, str]
) -> Message:
    fields = {
        name: getattr(original, name)
        for name in (
            "role", "author_id", "content", "status", "continues", "model", "stop_reason", "stop_sequence",
            "stop_details", "usage", "cost_microdollars", "error", "html", "thinking_seconds", "created_at",
            "finished_at",
        )
    }  # fmt: skip
    fields["content"] = redirected(original.content, files)
    return Message(conversation=conversation, parent=parent, **fields)


def _update(conversation: Conversation, **changes: Any) -> None:
    with writing():
        # What others did to it meanwhile stays, and is in the news.
        _store(branches.lock(conversation), changes)


def _store(locked: Conversation, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changes))
    after_commit.conversation_updated(locked)

"""The only door from a person to an object. Missing and forbidden answer alike: NotFound.

Called by every view and consumer that takes the id of something that belongs to somebody; to what belongs to the
workspace (people, groups, providers, budgets) `administrator` is the door.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils import timezone

from .models import Attachment, Conversation, Generation, Message, Participant, ShareLink, User, Workspace


class Operation(StrEnum):
    READ = "read"
    WRITE = "write"  # send, edit, regenerate, stop, choose a branch
    OWN = "own"  # rename, archive, delete, settings, share


class NotFound(Exception):
    """The object does not exist, or this person may not do this with it: deliberately one answer."""


def conversation(user: User | AnonymousUser, id: uuid.UUID, operation: Operation) -> Conversation:
    """The conversation with this id if the person may perform the operation on it. Raises NotFound."""
    if not isinstance(user, User) or not user.is_active:
        raise NotFound
    try:
        found = Conversation.objects.get(pk=id, deleted_at=None)
    except Conversation.DoesNotExist:
        raise NotFound from None
    if not may(user, found, operation):
        raise NotFound
    return found


def readable(pairs: Collection[tuple[User, uuid.UUID]]) -> set[tuple[int, uuid.UUID]]:
    """Of these active people and conversations the pairs in which the person may read: two queries for all of them."""
    found = Conversation.objects.filter(pk__in={id for _, id in pairs}, deleted_at=None)
    readers = audiences(found.only("owner", "visibility"), among={user.pk for user, _ in pairs})
    return {
        (user.pk, id)
        for user, id in pairs
        if id in readers and ((people := readers[id]) is None or user.pk in people)
    }


def deleted_conversation(user: User, id: uuid.UUID) -> Conversation:
    """A deleted conversation, for whoever may delete it, to undo that. Raises NotFound."""
    lasting = timezone.now() - timedelta(seconds=settings.DELETED_SECONDS)
    # With a removed account its conversations go for good.
    found = Conversation.objects.filter(pk=id, deleted_at__gt=lasting, owner__removed_at=None).first()
    if found is None or not user.is_active or not may(user, found, Operation.OWN):
        raise NotFound
    return found


def may(user: User, conversation: Conversation, operation: Operation) -> bool:
    """Whether an active person may perform the operation; the owner may everything."""
    if conversation.owner_id == user.pk:
        return True
    roles = set(
        Participant.objects.filter(conversation=conversation, user=user)
        .union(Participant.objects.filter(conversation=conversation, group__in=user.groups.all()))
        .values_list("role", flat=True)
    )
    if conversation.visibility == Conversation.Visibility.WORKSPACE:
        roles.add(Participant.Role.READER)
    needed: dict[Operation, set[str]] = {
        Operation.READ: {Participant.Role.READER, Participant.Role.WRITER, Participant.Role.OWNER},
        Operation.WRITE: {Participant.Role.WRITER, Participant.Role.OWNER},
        Operation.OWN: {Participant.Role.OWNER},
    }
    return bool(roles & needed[operation])


def owned(user: User, conversations: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Of these conversations of other people those that this person is an owner of as well: one query for all."""
    mine = Participant.objects.filter(
        Q(user=user) | Q(group__in=user.groups.all()), role=Participant.Role.OWNER
    )
    return set(mine.filter(conversation__in=conversations).values_list("conversation_id", flat=True))


def message(user: User, conversation_id: uuid.UUID, id: uuid.UUID, operation: Operation) -> Message:
    """A message of that conversation, whose conversation attribute is filled. Raises NotFound."""
    parent = conversation(user, conversation_id, operation)
    found = (
        Message.objects.select_related("author", "generation__language_model__provider")
        .filter(pk=id, conversation=parent)
        .first()
    )
    if found is None:
        raise NotFound
    found.conversation = parent
    return found


def generation(user: User | AnonymousUser, id: uuid.UUID, operation: Operation) -> Generation:
    """A generation whose conversation the person may use so. Raises NotFound."""
    found = Generation.objects.select_related("message").filter(pk=id).first()
    if found is None:
        raise NotFound
    found.conversation = conversation(user, found.conversation_id, operation)
    return found


def attachment(user: User | AnonymousUser, id: uuid.UUID, operation: Operation) -> Attachment:
    """A file as visible as the conversation it was sent in; before that, its uploader's alone. Raises NotFound."""
    found = Attachment.objects.with_files().filter(pk=id).first()
    if found is None or not isinstance(user, User):
        raise NotFound
    if found.conversation_id is not None:
        conversation(user, found.conversation_id, operation)
    elif found.uploader_id != user.pk or not user.is_active:
        raise NotFound
    return found


def participant(user: User, conversation_id: uuid.UUID, id: int) -> Participant:
    """A person or group that the conversation is open to, for its owners. Raises NotFound."""
    parent = conversation(user, conversation_id, Operation.OWN)
    found = Participant.objects.select_related("user", "group").filter(pk=id, conversation=parent).first()
    if found is None:
        raise NotFound
    found.conversation = parent
    return found


def own_participation(user: User, conversation_id: uuid.UUID) -> Participant:
    """The row by which this very person takes part, for leaving. Raises NotFound."""
    parent = conversation(user, conversation_id, Operation.READ)
    found = Participant.objects.filter(user=user, conversation=parent).first()
    if found is None:
        raise NotFound
    found.conversation = parent
    return found


def share_link(user: User, conversation_id: uuid.UUID, id: int) -> ShareLink:
    """A link to a snapshot of the conversation, for its owners. Raises NotFound."""
    parent = conversation(user, conversation_id, Operation.OWN)
    found = ShareLink.objects.filter(pk=id, conversation=parent).first()
    if found is None:
        raise NotFound
    found.conversation = parent
    return found


def snapshot(user: User | AnonymousUser, token: str) -> ShareLink:
    """The link with this token, if it shows its snapshot to this person. Raises NotFound, whatever the reason."""
    found = ShareLink.objects.open(token).select_related("conversation").first()
    if found is None:
        raise NotFound
    is_member = isinstance(user, User) and user.is_active
    if not is_member and not (found.public and Workspace.objects.current().public_links):
        raise NotFound
    return found


def administrator(user: User | AnonymousUser) -> User:
    """The person, if they may manage the workspace now. Raises NotFound: to others these pages do not exist."""
    if not isinstance(user, User) or not user.administers:
        raise NotFound
    return user


def audience(conversation: Conversation) -> set[int] | None:
    """Ids of all who may read the conversation, or None for everyone in the workspace."""
    return audiences([conversation])[conversation.pk]


def audiences(
    conversations: Iterable[Conversation], among: Collection[int] | None = None
) -> dict[uuid.UUID, set[int] | None]:
    """The audience of each of these; beside the owners only the participants `among` these people, where given."""
    found: dict[uuid.UUID, set[int] | None] = {}
    shown: dict[uuid.UUID, set[int]] = {}
    for conversation in conversations:
        if conversation.visibility == Conversation.Visibility.WORKSPACE:
            found[conversation.pk] = None
        else:
            found[conversation.pk] = shown[conversation.pk] = {conversation.owner_id}
    if shown:
        people = Participant.objects.filter(conversation__in=list(shown))
        if among is not None:
            people = people.filter(Q(user__in=among) | Q(group__user__in=among))
        for id, *readers in people.values_list("conversation", "user_id", "group__user__pk"):
            shown[id].update(reader for reader in readers if reader is not None)
    return found

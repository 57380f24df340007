"""Who takes part in a conversation: people, groups, everybody, and until when each has read. Called by the views."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import access
from ..live import news
from ..models import Conversation, Participant, ReadMark, User
from ..models.user import LONGEST_NAME
from ..models.whatever_case import reads
from .errors import Invalid
from .transaction import writing


def add_person(conversation: Conversation, who: str, role: str) -> Participant:
    """Open the conversation to the active member with this user name, shown name or e-mail address.

    Raises Invalid with the sentence to show.
    """
    person = _person(who)
    if person.pk == conversation.owner_id:
        raise Invalid("They already own this conversation.")
    return _add(conversation, role, user=person)


def add_group(conversation: Conversation, group: int, role: str) -> Participant:
    """Open the conversation to everybody who is in the group, now or later. Raises Invalid."""
    found = Group.objects.filter(pk=group).first()
    if found is None:
        raise Invalid("This group does not exist.")
    return _add(conversation, role, group=found)


def change_role(participant: Participant, role: str) -> None:
    """Raises Invalid for a role that there is not, NotFound for who was removed meanwhile."""
    with writing():
        if not Participant.objects.filter(pk=participant.pk).update(role=_role(role)):
            raise access.NotFound
        _rights_changed(participant.conversation, access.audience(participant.conversation))


def remove(participant: Participant) -> None:
    """Their open pages close within seconds, and the conversation leaves their lists."""
    conversation = participant.conversation
    with writing():
        before = access.audience(conversation)
        participant.delete()
        _rights_changed(conversation, before)


def change_visibility(conversation: Conversation, visibility: str) -> None:
    """`private` or `workspace`: everybody may read. Raises Invalid."""
    if visibility not in Conversation.Visibility.values:
        raise Invalid("A conversation is private or open to the workspace.")
    with writing():
        before = access.audience(conversation)
        Conversation.objects.filter(pk=conversation.pk).update(visibility=visibility)
        conversation.visibility = visibility
        _rights_changed(conversation, before)


def mark_read(user: User, conversation: Conversation, at: datetime | None = None) -> None:
    """Everything up to now is read; the person's other pages drop their mark."""
    with writing():
        ReadMark.objects.update_or_create(
            user=user, conversation=conversation, defaults={"read_at": at or timezone.now()}
        )
        update = news.update_of(conversation, unread=False)
        transaction.on_commit(lambda: news.tell_people(({user.pk}, update)))


def _person(who: str) -> User:
    text = who.replace("\x00", "").strip().removeprefix("@")
    active = User.objects.filter(is_active=True)
    for names in (
        Q(username=text),
        reads("username", text),
        Q(email=User.objects.normalize_email(text)),
        reads("display_name", text),
    ):
        found = list(active.filter(names)[:2]) if 0 < len(text) <= LONGEST_NAME else []
        if len(found) == 1:
            return found[0]
        if found:
            raise Invalid("Several members have this name. Enter the user name.")
    raise Invalid("No member has this name or address.")


def _role(role: str) -> str:
    if role not in Participant.Role.values:
        raise Invalid("A person may read, write, or own a conversation.")
    return role


def _add(
    conversation: Conversation, role: str, *, user: User | None = None, group: Group | None = None
) -> Participant:
    with writing():
        before = access.audience(conversation)
        participant, _ = Participant.objects.update_or_create(
            conversation=conversation, user=user, group=group, defaults={"role": _role(role)}
        )
        # From now on, what others write is news for its owner.
        ReadMark.objects.get_or_create(
            user_id=conversation.owner_id, conversation=conversation, defaults={"read_at": timezone.now()}
        )
        _rights_changed(conversation, before)
    return participant


def _rights_changed(conversation: Conversation, before: set[int] | None) -> None:
    """Tell those who may read it now, and take it from the lists of those who could `before` (None: everybody)."""
    people = access.audience(conversation)
    gone: set[int] = set()
    if people is not None:
        others = User.objects.exclude(pk__in=people).values_list("pk", flat=True)
        gone = set(others) if before is None else before - people

    def tell() -> None:
        news.recheck_rights()
        if gone:
            # Nothing but the id: its title is no longer theirs to know.
            hidden = {"id": str(conversation.pk), "title": "", "archived": False, "deleted": True}
            news.tell_people((gone, {"type": "conversation_updated", "conversation": hidden}))
        news.tell_people((people, news.update_of(conversation, rights_changed=True)))

    transaction.on_commit(tell)

"""An account is deleted for good, and with it, or not, the conversations that are the person's. Called by the views
and the admin.
"""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ..live import news
from ..models import Conversation, Generation, GenerationStatus, Participant, User
from . import after_commit, answers, audit, broken_off, people
from .errors import Invalid
from .transaction import writing


class Keep(models.TextChoices):
    """Which conversations of the person stay."""

    SHARED = "shared", "Keep those that are open to others, delete the rest"
    ALL = "all", "Hand over all of them"
    NOTHING = "nothing", "Delete all of them"


def owned_by(person: User) -> QuerySet[Conversation]:
    """What can be handed over: the person's conversations, without those that they have deleted."""
    return Conversation.objects.filter(owner=person, deleted_at=None)


def shared_of(person: User) -> QuerySet[Conversation]:
    """Those that others may read as well."""
    taken_part_in = Participant.objects.exclude(user=person).values("conversation")
    return owned_by(person).filter(Q(visibility=Conversation.Visibility.WORKSPACE) | Q(pk__in=taken_part_in))


def remove(actor: User, person: User, keep: str, heir: User | None) -> None:
    """Delete the account. What stays goes to `heir`; messages in others' conversations stay without a name, the
    ledger keeps its rows. Running answers end, sessions and sockets too. Raises Invalid.
    """
    if person.pk == actor.pk:
        raise Invalid("You cannot delete your own account. Ask another administrator.")
    if keep not in Keep.values:
        raise Invalid("Say what happens to the conversations.")
    if keep != Keep.NOTHING and (heir is None or heir.pk == person.pk or not heir.is_active):
        raise Invalid("Choose who gets the conversations.")
    with writing():
        # Sends of this person, and of others in these conversations, come before or after all of this.
        if not User.objects.select_for_update().filter(pk=person.pk).values_list("pk"):
            raise Invalid("This account is removed already.")
        list(Conversation.objects.select_for_update().filter(owner=person).order_by("pk").values_list("pk"))
        people.keep_an_administrator(without=person)
        people.end_sessions(person)
        people.revoke_invitations_of(person)
        shared = list(shared_of(person))
        kept = {Keep.ALL: owned_by(person), Keep.SHARED: shared_of(person)}.get(Keep(keep))
        handed_over = _hand_over(kept, heir) if kept is not None and heir is not None else 0
        going = Conversation.objects.filter(owner=person)
        _end_answers(Q(requested_by=person) | Q(conversation__in=going))
        for conversation in shared:
            _tell(conversation, heir if kept is not None else None)
        deleted = going.filter(deleted_at=None).count()
        going.delete()
        audit.record(
            actor, "person_removed", person, name=person.username, conversations_deleted=deleted,
            conversations_handed_over=handed_over, to=heir.username if heir is not None and handed_over else None,
        )  # fmt: skip
        person.delete()
        transaction.on_commit(news.recheck_rights)


def _hand_over(conversations: QuerySet[Conversation], heir: User) -> int:
    count = conversations.update(owner=heir)
    # An owner takes part by that alone.
    Participant.objects.filter(user=heir, conversation__owner=heir).delete()
    return count


def _end_answers(which: Q) -> None:
    """What they cost is booked before their rows go; the engine finds that they are no longer its own."""
    running = list(Generation.objects.live().filter(which).select_related("message"))
    answers.finish([broken_off.outcome_of(one, GenerationStatus.STOPPED) for one in running], None)
    ended = [(one.pk, one.message_id, one.conversation_id) for one in running]
    transaction.on_commit(lambda: news.answers_changed(ended))


def _tell(conversation: Conversation, heir: User | None) -> None:
    """The lists of those who can read it, or could, follow."""
    if heir is None:
        conversation.deleted_at = timezone.now()
    else:
        conversation.owner = heir
    after_commit.conversation_updated(conversation)

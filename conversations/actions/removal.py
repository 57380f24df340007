"""An account is deleted for good, and with it, or not, the conversations that are the person's. Called by the views
and the admin; what a crash left half done, by the sweeper.

At once and in one transaction nobody can use the account or see what goes; then the rows go a little at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ..live import news
from ..models import Conversation, Generation, GenerationStatus, Participant, User
from . import administrators, after_commit, answers, audit, broken_off, erasure, people
from .errors import Invalid
from .transaction import writing

# A removal that is older has broken off: a large one takes some seconds.
BROKEN_OFF = timedelta(minutes=10)
# So many conversations one question to the database, and one ring, is about.
TOLD_TOGETHER = 500


class Keep(models.TextChoices):
    """Which conversations of the person stay."""

    SHARED = "shared", "Keep those that are open to others, delete the rest"
    ALL = "all", "Hand over all of them"
    NOTHING = "nothing", "Delete all of them"


def owned_by(person: User) -> QuerySet[Conversation]:
    """The person's conversations without those that they have deleted: what can be handed over, or taken along."""
    return Conversation.objects.filter(owner=person, deleted_at=None)


def shared_of(person: User) -> QuerySet[Conversation]:
    """Those that others may read as well."""
    taken_part_in = Participant.objects.exclude(user=person).values("conversation")
    return owned_by(person).filter(Q(visibility=Conversation.Visibility.WORKSPACE) | Q(pk__in=taken_part_in))


def remove(actor: User, person: User, keep: str, heir: User | None) -> None:
    """Delete the account. What stays goes to `heir`; messages in others' conversations stay without a name, the
    ledger keeps its rows. Running answers end, sessions and sockets too. One that broke off goes on. Raises Invalid.
    """
    begin(actor, person, keep, heir)
    finish(person)


def begin(actor: User, person: User, keep: str, heir: User | None) -> None:
    """All of `remove` that anybody can notice, in one transaction; `finish` has to follow it. Raises Invalid."""
    if person.pk == actor.pk:
        raise Invalid("You cannot delete your own account. Ask another administrator.")
    if keep not in Keep.values:
        raise Invalid("Say what happens to the conversations.")
    heirs = [heir] if heir is not None and heir.pk != person.pk else []
    with writing():
        # Sends of this person, and of others in these conversations, come before or after all of this. So does the
        # removal of the heir: what went to an account that is being removed would go with it.
        administrators.keep_one(without=person, and_hold=heirs)
        active = User.objects.filter(pk__in=[one.pk for one in heirs], is_active=True)
        if keep != Keep.NOTHING and not active.exists():
            raise Invalid("Choose who gets the conversations.")
        found = User.objects.filter(pk=person.pk).first()
        if found is None:
            raise Invalid("This account has already been removed.")
        if found.removed_at is None:
            _close(actor, found, keep, heir)


def finish(person: User) -> None:
    """What is left of the removal, in short transactions: call it outside of any other."""
    with writing():
        # Of a send that was under way when the account was closed.
        _end_answers_of(person)
    erasure.erase(Conversation.objects.filter(owner=person))
    erasure.forget(person)
    with writing():
        User.objects.filter(pk=person.pk).delete()


def finish_broken_off(now: datetime | None = None) -> None:
    """Go on with removals in the middle of which a process died. For the sweeper."""
    for person in User.objects.filter(removed_at__lt=(now or timezone.now()) - BROKEN_OFF):
        finish(person)


def _close(actor: User, person: User, keep: str, heir: User | None) -> None:
    people.withdraw_rights(person)
    # Answers before their conversations, as those take them who end answers: in another order each would wait for the
    # other.
    list(_running_of(person))
    conversations = Conversation.objects.select_for_update(no_key=True).filter(owner=person)
    list(conversations.order_by("pk").values_list("pk"))
    known = owned_by(person) if keep == Keep.ALL else shared_of(person)
    told = list(known.values_list("pk", flat=True))
    handed_over = _hand_over(known, heir) if keep != Keep.NOTHING and heir is not None else 0
    _end_answers_of(person)
    now = timezone.now()
    deleted = owned_by(person).update(deleted_at=now)
    # The lists of those who can read them, or could, follow.
    for at in range(0, len(told), TOLD_TOGETHER):
        rows = Conversation.objects.filter(pk__in=told[at : at + TOLD_TOGETHER])
        after_commit.conversations_updated(list(rows))
    audit.record(
        actor, "person_removed", person, name=person.username, conversations_deleted=deleted,
        conversations_handed_over=handed_over, to=heir.username if heir is not None and handed_over else None,
    )  # fmt: skip
    User.objects.filter(pk=person.pk).update(is_active=False, removed_at=now)


def _hand_over(conversations: QuerySet[Conversation], heir: User) -> int:
    count = conversations.update(owner=heir)
    # An owner takes part by that alone.
    Participant.objects.filter(user=heir, conversation__owner=heir).delete()
    return count


def _end_answers_of(person: User) -> None:
    """What they cost is booked before their rows go; the engine finds that they are no longer its own."""
    running = list(_running_of(person))
    if not running:
        return
    answers.finish([broken_off.outcome_of(one, GenerationStatus.STOPPED) for one in running], None)
    ended = [(one.pk, one.message_id, one.conversation_id) for one in running]
    transaction.on_commit(lambda: news.answers_changed(ended))


def _running_of(person: User) -> QuerySet[Generation]:
    """Answers to this person, and in their conversations, which whoever reads this holds."""
    which = Q(requested_by=person) | Q(conversation__owner=person)
    locked = Generation.objects.live().select_for_update(of=("self",)).order_by("pk")
    return locked.filter(which).select_related("message")

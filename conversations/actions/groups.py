"""Groups of people, Django's own. Called by the views of people."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from ..live import news
from ..models import LanguageModel, User
from ..models.whatever_case import reads
from . import audit
from .errors import Invalid
from .text import storable
from .transaction import hold, writing

# Of Django's own column.
NAME_CHARACTERS = 150


def create(actor: User, name: str) -> Group:
    """Raises Invalid when the name is empty, too long or taken."""
    with writing():
        group = Group()
        _name(group, name)
        audit.record(actor, "group_created", group, name=group.name)
    return group


def change(actor: User, group: Group, name: str, people: list[User]) -> None:
    """Its name, and exactly these people in it. Rights by this group follow within seconds. Raises Invalid, NotFound
    when it is gone.
    """
    with writing():
        hold(group)
        _name(group, name)
        group.user_set.set(people)
        audit.record(actor, "group_changed", group, name=group.name, people=[person.pk for person in people])
        transaction.on_commit(news.recheck_rights)


def remove(actor: User, group: Group) -> None:
    """Gone with the rights that it gave. Raises Invalid where that would open a model to everybody, NotFound."""
    with writing():
        hold(group)
        # Held, so that of two groups that are removed at once the second finds what the first has left.
        kept_for = LanguageModel.objects.filter(allowed_groups=group).order_by("pk")
        for model in kept_for.select_for_update(of=("self",), no_key=True):
            if model.allowed_groups.count() == 1:
                raise Invalid(f"Only this group may use {model}. Change that first, or everybody could.")
        audit.record(actor, "group_removed", group, name=group.name)
        group.delete()
        transaction.on_commit(news.recheck_rights)


def _name(group: Group, name: str) -> None:
    """Stores the group under this name. Raises Invalid when it is empty, too long or taken."""
    taken = Invalid("There is already a group with this name.")
    group.name = " ".join(storable(name).split())
    if not group.name:
        raise Invalid("The group needs a name.")
    if len(group.name) > NAME_CHARACTERS:
        raise Invalid(f"The name of a group has at most {NAME_CHARACTERS} characters.")
    if Group.objects.filter(reads("name", group.name)).exclude(pk=group.pk).exists():
        raise taken
    try:
        with transaction.atomic():
            group.save(update_fields=["name"] if group.pk else None)
    except IntegrityError:
        # Somebody else took it at the same moment.
        raise taken from None

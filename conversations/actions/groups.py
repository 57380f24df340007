"""Groups of people, Django's own. Called by the views of people."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction

from ..live import news
from ..models import LanguageModel, User
from ..models.whatever_case import reads
from . import audit
from .errors import Invalid
from .text import storable
from .transaction import writing


def create(actor: User, name: str) -> Group:
    """Raises Invalid when the name is empty or taken."""
    with writing():
        group = Group.objects.create(name=_free_name(name))
        audit.record(actor, "group_created", group, name=group.name)
    return group


def change(actor: User, group: Group, name: str, people: list[User]) -> None:
    """Its name, and exactly these people in it. Rights by this group follow within seconds. Raises Invalid."""
    with writing():
        group.name = _free_name(name, group)
        group.save(update_fields=["name"])
        group.user_set.set(people)
        audit.record(actor, "group_changed", group, name=group.name, people=[person.pk for person in people])
        transaction.on_commit(news.recheck_rights)


def remove(actor: User, group: Group) -> None:
    """Gone with the rights that it gave. Raises Invalid where that would open a model to everybody."""
    with writing():
        for model in LanguageModel.objects.filter(allowed_groups=group):
            if model.allowed_groups.count() == 1:
                raise Invalid(f"Only this group may use {model}. Change that first, or everybody could.")
        audit.record(actor, "group_removed", group, name=group.name)
        group.delete()
        transaction.on_commit(news.recheck_rights)


def _free_name(name: str, of: Group | None = None) -> str:
    cleaned = " ".join(storable(name).split())[:150]
    if not cleaned:
        raise Invalid("The group needs a name.")
    others = Group.objects.filter(reads("name", cleaned))
    if of is not None:
        others = others.exclude(pk=of.pk)
    if others.exists():
        raise Invalid("There is already a group with this name.")
    return cleaned

"""Who administers the site, and that somebody always does. Used by whatever takes that right from a person: `people`,
`removal` and the admin.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from ..models import User
from ..models.user import ADMINISTERS
from .errors import Invalid


def keep_one(without: User, and_hold: Iterable[User] = ()) -> None:
    """Raises Invalid when nobody else administers the site. Call inside the write transaction, which holds this person
    from here on, `and_hold` those.
    """
    if hold_all([without, *and_hold]) == [without]:
        raise Invalid("This is the last administrator. Make somebody else one first.")


def hold_all(and_also: Iterable[User]) -> list[User]:
    """All who administer the site. Until this transaction ends nobody else takes that right from one of them, or does
    anything to one of `and_also`.
    """
    # One question for all of them: in two, an act that does not know yet of somebody's new right and one that does
    # would take them in different orders. Their keys stay: who stores a row that refers to one of them need not wait.
    which = ADMINISTERS | Q(pk__in=[person.pk for person in and_also])
    held = User.objects.select_for_update(no_key=True).filter(which).order_by("pk")
    return [person for person in held if person.administers]

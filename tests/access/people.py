"""Everybody who might try something with a conversation, and what each of them may do."""

from __future__ import annotations

from django.contrib.auth.models import Group

from conversations.models import Conversation, Participant
from tests.world import Person, member

READ, WRITE, OWN, NOBODYS, ANYBODY = "read", "write", "own", "nobody's", "anybody"
ADMINISTER = "administer"
# Taking part by name, for leaving.
NAMED = "named"

PEOPLE: dict[str, set[str]] = {
    "owner": {READ, WRITE, OWN},
    "co-owner": {READ, WRITE, OWN, NAMED},
    "writer": {READ, WRITE, NAMED},
    "writer by group": {READ, WRITE},
    "reader": {READ, NAMED},
    "reader of the workspace": {READ},
    "stranger": set(),
    "administrator": {ADMINISTER},
}


def take_part(conversation: Conversation, owner: Person) -> dict[str, Person]:
    """All of PEOPLE with their rights; who reads as a member of the workspace does so once it is open to that."""
    people = {"owner": owner}
    for who in PEOPLE:
        if who != "owner":
            is_boss = who == "administrator"
            people[who] = member(who.replace(" ", "-"), is_staff=is_boss, is_superuser=is_boss)
    for who, role in (("co-owner", "owner"), ("writer", "writer"), ("reader", "reader")):
        Participant.objects.create(conversation=conversation, user=people[who].user, role=role)
    writers = Group.objects.create(name="writers")
    people["writer by group"].user.groups.add(writers)
    Participant.objects.create(conversation=conversation, group=writers, role="writer")
    return people


def open_to(who: str, conversation: Conversation) -> None:
    """Opens the conversation to the workspace, where that is what `who` reads by."""
    if who == "reader of the workspace":
        conversation.visibility = Conversation.Visibility.WORKSPACE
        conversation.save(update_fields=["visibility"])

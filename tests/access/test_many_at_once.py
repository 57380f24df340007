"""The patrol asks for all open pages together; the answer is the one that each would get alone."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from conversations import access
from conversations.access import Operation
from conversations.models import Conversation, Participant, User
from tests.world import Person


@pytest.fixture
def conversations(alice: Person, bob: Person) -> list[Conversation]:
    """Alice's: private, open to everybody, open to Bob as each of the roles, to his group, to others; and deleted."""
    made = [Conversation.objects.create(owner=alice.user) for _ in range(9)]
    group, other = Group.objects.create(name="Pilots"), Group.objects.create(name="Others")
    bob.user.groups.add(group)
    Conversation.objects.filter(pk=made[1].pk).update(visibility="workspace")
    for row, role in zip(made[2:5], Participant.Role.values, strict=True):
        Participant.objects.create(conversation=row, user=bob.user, role=role)
    Participant.objects.create(conversation=made[5], group=group, role="reader")
    Participant.objects.create(conversation=made[6], group=other, role="owner")
    for row in made[7:]:
        Participant.objects.create(conversation=row, user=bob.user, role="writer")
        Conversation.objects.filter(pk=row.pk).update(deleted_at=timezone.now())
    return made


def test_many_at_once_get_the_answer_of_each(
    alice: Person, bob: Person, conversations: list[Conversation], django_assert_num_queries: Any
) -> None:
    ids = [row.pk for row in conversations]
    pairs = {(person.user, id) for person in (alice, bob) for id in [*ids, uuid.uuid4()]}
    with django_assert_num_queries(2):
        readable = access.readable(pairs)
    assert readable == {(user.pk, id) for user, id in pairs if may_read(user, id)}
    assert {id for user, id in readable if user == bob.user.pk} == set(ids[1:6])


def may_read(user: User, id: uuid.UUID) -> bool:
    try:
        access.conversation(user, id, Operation.READ)
    except access.NotFound:
        return False
    return True

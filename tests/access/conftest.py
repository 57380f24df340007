"""The small site of the tables in this folder, made once for each file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from conversations.actions.invitations import invite
from conversations.actions.sharing import create_link
from conversations.models import Conversation, LanguageModel, Participant, Provider, User
from tests.attachments.given import attached
from tests.money.given import budget
from tests.world import Person, answering, finished, member

from .people import take_part


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """The small site that every row is asked of, made once: what a test changes is rolled back to it. The ids of its
    parts, and the people: users by who they are, each with the key of a session.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield _made()
        transaction.set_rollback(True)


def _made() -> dict[str, Any]:
    """A conversation of alice's with one answer that may be continued, and everybody who might try something."""
    answering()
    alice, erin, frank = member("alice"), member("erin").user, member("frank").user
    sent = alice.start("Question")
    conversation = Conversation.objects.get(pk=sent["conversation"])
    named = Participant.objects.create(conversation=conversation, user=frank, role="reader")
    attached(alice.user, conversation, b"Pier", name="pier.txt", media_type="text/plain", thumbnail=None)
    told = {
        "type": "char_location", "document_title": "pier.txt", "start_char_index": 0, "end_char_index": 4,
        "cited_text": "Pier",
    }  # fmt: skip
    content = [{"type": "text", "text": "Answer", "citations": [told]}]
    finished(sent["generation"], content=content, stop_reason="max_tokens")
    link, _ = create_link(erin, conversation, None, 7, public=False)
    people = take_part(conversation, alice)
    people |= {"bob": member("bob"), "boss": member("boss", is_staff=True, is_superuser=True)}
    return sent | {
        "attachment": str(attached(alice.user, conversation).pk),
        "participant": named.pk,
        "link": link.pk,
        "person": erin.pk,
        "group": Group.objects.create(name="Harbour").pk,
        "invitation": invite(erin, "member", [], "", 7)[0].pk,
        "provider": Provider.objects.get().pk,
        "model": LanguageModel.objects.get().pk,
        "number": 1,
        "budget": budget(1000).pk,
        "people": {
            who: (person.user.pk, person.client.cookies["sessionid"].value) for who, person in people.items()
        },
    }


@pytest.fixture
def sent(site: dict[str, Any], db: None) -> dict[str, Any]:
    """The ids of the site's parts; in the database from here on are changes of this test alone."""
    return {name: id for name, id in site.items() if name != "people"}


@pytest.fixture
def person(site: dict[str, Any], db: None) -> Callable[[str], Person]:
    """Somebody of PEOPLE, as the database has them now, signed in."""

    def find(who: str) -> Person:
        pk, session = site["people"][who]
        return Person(User.objects.get(pk=pk), session)

    return find


@pytest.fixture
def alice(person: Callable[[str], Person]) -> Person:
    return person("owner")


@pytest.fixture
def bob(person: Callable[[str], Person]) -> Person:
    return person("bob")

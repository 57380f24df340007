"""What is marked as unread in the list of conversations."""

from __future__ import annotations

import re

from conversations.models import Conversation
from tests.world import Person, finished


def marks(person: Person) -> int:
    page = person.get("/conversations/", HTTP_ACCEPT="text/html").content.decode()
    return len(re.findall("entry--unread", page))


def shared(alice: Person, bob: Person) -> str:
    """A conversation of alice's in which bob may write."""
    sent = alice.start("Question")
    finished(sent["generation"])
    path = f"/conversations/{sent['conversation']}/"
    alice.post(path + "people/", {"who": "bob", "role": "writer"})
    return path


def test_what_was_just_shared_with_me_is_unread_until_i_open_it(alice: Person, bob: Person) -> None:
    path = shared(alice, bob)
    assert (marks(alice), marks(bob)) == (0, 1)
    assert b'"unread": true' in bob.get(path, HTTP_ACCEPT="text/html").content
    bob.post(path + "read/")
    assert marks(bob) == 0


def test_what_others_write_is_unread_for_its_owner(alice: Person, bob: Person) -> None:
    path = shared(alice, bob)
    bob.post(path + "read/")
    finished(bob.post(path + "messages/", {"text": "News"}).json()["generation"])  # type: ignore[attr-defined]
    assert marks(alice) == 1
    alice.post(path + "read/")
    assert marks(alice) == 0


def test_what_is_open_to_the_workspace_is_no_news_for_everybody(alice: Person, bob: Person) -> None:
    path = shared(alice, bob)
    Conversation.objects.update(visibility="workspace")
    alice.post(path + "people/", {"who": "bob", "role": "writer"})
    assert marks(bob) == 0


def test_the_mark_of_one_person_is_not_that_of_another(alice: Person, bob: Person) -> None:
    path = shared(alice, bob)
    alice.post(path + "read/")
    assert marks(bob) == 1

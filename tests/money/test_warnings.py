"""A limit that is nearly used up is said in the chat, before anything is refused."""

from __future__ import annotations

import pytest

from conversations.models import Participant
from tests.money.given import budget
from tests.world import Person, finished

USAGE = {"input_tokens": 1000, "output_tokens": 0}


@pytest.mark.any_database
def test_the_chat_warns_from_80_percent_on(alice: Person) -> None:
    limit = budget(0.01, user=alice.user)
    sent = alice.start()
    finished(sent["generation"], usage=USAGE)
    path = f"/conversations/{sent['conversation']}/"
    assert "spending limit" not in alice.client.get(path).content.decode()
    limit.limit_microdollars = 6000
    limit.save()
    assert "Your spending limit for today is 83 % used." in alice.client.get(path).content.decode()
    assert "Your spending limit for today is 83 % used." in alice.client.get("/").content.decode()


def test_what_is_fetched_after_an_answer_warns_whom_it_concerns(alice: Person, bob: Person) -> None:
    budget(0.006, user=alice.user)
    sent = alice.start()
    path = f"/conversations/{sent['conversation']}/totals/"
    Participant.objects.create(conversation_id=sent["conversation"], user=bob.user, role="writer")
    assert "spending limit" not in alice.get(path).content.decode()
    finished(sent["generation"], usage=USAGE)
    after = alice.get(path).content.decode()
    assert 'id="totals"' in after
    assert "Your spending limit for today is 83 % used." in after
    assert "spending limit" not in bob.get(path).content.decode()


def test_the_menu_leads_to_usage_and_for_administrators_to_the_audit(
    alice: Person, administrator: Person
) -> None:
    assert 'href="/usage/"' in alice.client.get("/").content.decode()
    assert 'href="/audit/"' not in alice.client.get("/").content.decode()
    assert 'href="/audit/"' in administrator.client.get("/").content.decode()

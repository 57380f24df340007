"""Two processes at one answer: the one that works on it writes while another one ends it. Locks say who was first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conversations.actions import answers, people, removal
from conversations.actions import journal as journalling
from conversations.actions.outcome import Outcome
from conversations.generation import reaper
from conversations.models import Generation, GenerationEvent, GenerationStatus, UsageRecord, User
from tests.beside import beside
from tests.generation.test_reaping import START, TEXT, delta, journal, live
from tests.world import Person, member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

ELSEWHERE = "elsewhere/boot/1/1"
MORE = '[{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"text"},"seq":4}]'


@pytest.fixture
def generation(alice: Person) -> Generation:
    """Its process has not been heard of for a second longer than the lease."""
    found = live(alice, ELSEWHERE, lease=-1)
    journal(found, START, TEXT, delta("Some "))
    return found


def flush(generation: Generation, *, renew: bool) -> journalling.Flushed:
    entry = journalling.Entry(generation.pk, 4, 4, MORE)
    return journalling.flush([entry], [generation.pk], ELSEWHERE, renew=renew)


def outcome(generation: Generation) -> Outcome:
    return Outcome(generation.pk, GenerationStatus.INTERRUPTED, 3, [{"type": "text", "text": "Some "}])


@pytest.mark.parametrize("renew", [True, False])
def test_what_is_written_while_somebody_ends_the_answer_does_not_bring_it_back(
    generation: Generation, renew: bool
) -> None:
    with beside(lambda: flush(generation, renew=renew)) as flushed:
        assert answers.finish([outcome(generation)], None)
    assert flushed[0].lost == {generation.pk}
    generation.refresh_from_db()
    assert (generation.status, generation.lease_until) == ("interrupted", None)
    assert not GenerationEvent.objects.filter(generation=generation, seq=4).exists(), "nothing behind the end"
    assert UsageRecord.objects.count() == 1


def test_an_answer_that_is_heard_of_while_the_reaper_looks_at_it_goes_on(generation: Generation) -> None:
    with beside(reaper.reap) as reaped:
        assert not flush(generation, renew=True).lost
    assert reaped == [0]
    generation.refresh_from_db()
    assert generation.status == "running"


def test_what_is_written_while_the_reaper_looks_is_part_of_what_it_keeps(generation: Generation) -> None:
    with beside(reaper.reap) as reaped:
        flush(generation, renew=False)
    assert reaped == [1]
    generation.refresh_from_db()
    assert (generation.status, generation.last_seq) == ("interrupted", 6)
    assert generation.message.content == [{"type": "text", "text": "Some text"}]


@pytest.fixture
def remove(generation: Generation, administrator: Person, bob: Person) -> Callable[[], None]:
    """Alice's account goes; bob gets her conversations."""
    return lambda: removal.begin(
        administrator.user, User.objects.get(username="alice"), removal.Keep.ALL, bob.user
    )


def test_what_is_written_while_its_person_is_removed_is_kept_as_well(
    generation: Generation, remove: Callable[[], None]
) -> None:
    with beside(remove):
        flush(generation, renew=True)
    generation.refresh_from_db()
    assert generation.status == "stopped"
    assert generation.message.content == [{"type": "text", "text": "Some text"}]


def test_an_answer_that_ends_while_its_person_is_removed_holds_up_neither(
    generation: Generation, remove: Callable[[], None]
) -> None:
    with beside(remove) as removed:
        assert answers.finish([outcome(generation)], None)
    assert removed == [None]
    generation.refresh_from_db()
    assert generation.status == "interrupted"


def test_an_answer_that_is_about_to_end_while_its_person_is_removed_holds_up_neither(
    generation: Generation, remove: Callable[[], None]
) -> None:
    with beside(remove, then=lambda: answers.finish([outcome(generation)], None)) as removed:
        # As `finish` begins.
        Generation.objects.select_for_update().get(pk=generation.pk)
    assert removed == [None]
    generation.refresh_from_db()
    assert generation.status == "interrupted"


def test_an_answer_of_an_administrator_that_ends_while_they_are_deactivated_holds_up_neither(
    administrator: Person, generation: Generation
) -> None:
    own = live(administrator, ELSEWHERE)
    member("dora", is_staff=True, is_superuser=True)
    with beside(lambda: people.deactivate(administrator.user, administrator.user)) as deactivated:
        assert answers.finish([outcome(own)], None)
    assert deactivated == [None]
    administrator.user.refresh_from_db()
    assert not administrator.user.is_active

"""Avatars of people in one conversation differ in colour, as long as there are colours, and can be read."""

from __future__ import annotations

import re
from math import cos, radians, sin
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group

from conversations.models import Conversation, LanguageModel, Participant
from conversations.models.colours import COLOURS, Colours
from tests.world import Person, finished, member

CSS = Path(settings.BASE_DIR) / "static" / "css"


def conversation_of(people: list[Person]) -> Conversation:
    made = Conversation.objects.create(owner=people[0].user)
    for person in people[1:]:
        Participant.objects.create(conversation=made, user=person.user)
    return made


@pytest.mark.django_db
def test_participants_differ_as_long_as_there_are_colours() -> None:
    people = [member(f"person-{number}") for number in range(COLOURS)]
    # Every second one: alone, their own colours would be half of all.
    more = [member(f"more-{number}") for number in range(2 * COLOURS)][::2]
    for group in (people, more):
        colours = Colours(conversation_of(group))
        assert {colours.of(person.user.pk) for person in group} == set(range(COLOURS))


@pytest.mark.django_db
def test_who_joins_changes_no_colour_and_a_group_counts_as_its_people() -> None:
    people = [member(f"person-{number}") for number in range(2 * COLOURS)][::2]
    conversation = conversation_of(people[:3])
    before = [Colours(conversation).of(person.user.pk) for person in people[:3]]
    group = Group.objects.create(name="Coast")
    group.user_set.set([people[3].user, people[4].user])  # type: ignore[attr-defined]
    Participant.objects.create(conversation=conversation, group=group)
    after = [Colours(conversation).of(person.user.pk) for person in people[:5]]
    assert after[:3] == before
    assert len(set(after)) == 5


@pytest.mark.django_db
def test_more_people_than_colours_and_strangers_have_one_all_the_same() -> None:
    people = [member(f"person-{number}") for number in range(COLOURS + 2)]
    colours = Colours(conversation_of(people))
    assert all(colours.of(person.user.pk) in range(COLOURS) for person in people)
    two = Colours(conversation_of(people[:2]))
    stranger = people[0].user.pk + COLOURS
    assert two.of(stranger) not in {two.of(person.user.pk) for person in people[:2]}


@pytest.mark.django_db
def test_messages_and_panel_show_a_person_in_one_colour(
    alice: Person, bob: Person, model: LanguageModel
) -> None:
    sent = alice.start()
    finished(sent["generation"])
    alice.post(f"/conversations/{sent['conversation']}/people/", {"who": "bob", "role": "writer"})
    finished(bob.send(sent["conversation"])["generation"])
    page = alice.get(sent["url"], HTTP_ACCEPT="text/html").content.decode()
    panel = alice.get(f"{sent['url']}people/", HTTP_ACCEPT="text/html").content.decode()
    colour = Colours(Conversation.objects.get()).of(bob.user.pk)
    assert re.findall(r'avatar--small avatar--person"\s+data-colour="(\d)"', page) == [str(colour)]
    assert f'avatar avatar--person" data-colour="{colour}"' in panel


def _luminance(lightness: float, chroma: float, hue: float) -> float:
    """WCAG's relative luminance of a colour in oklch; what the screen cannot show is cut off, as browsers do."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long, medium, short = (
        (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3,
    )
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short
    red, green, blue = (min(1, max(0, one)) for one in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_letter_can_be_read_on_every_colour() -> None:
    tokens = (CSS / "tokens.css").read_text()
    hues = {
        int(at): float(hue)
        for at, hue, _ in re.findall(
            r"--person-(\d): light-dark\(oklch\(var\(--tone\) (\d+)\), oklch\(var\(--tone-dark\) (\2)\)\)",
            tokens,
        )
    }
    used = re.findall(
        r'\[data-colour="(\d)"\] \{ --disc: var\(--person-\1\)', (CSS / "avatar.css").read_text()
    )
    assert used == [str(number) for number in range(COLOURS)]
    assert sorted(hues) == list(range(COLOURS))
    tones = re.findall(r"--tone(?:-dark)?: ([\d.]+) ([\d.]+);", tokens)
    ((light, dark),) = re.findall(r"--paper: light-dark\(oklch\(([\d. ]+)\), oklch\(([\d. ]+)\)\);", tokens)
    for tone, paper in zip(tones, (light, dark), strict=True):
        letter = _luminance(*map(float, paper.split()))
        for hue in hues.values():
            disc = _luminance(*map(float, tone), hue)
            assert (max(letter, disc) + 0.05) / (min(letter, disc) + 0.05) >= 4.5

"""Which of the avatars' colours a person has in a conversation. Asked by the pages and by the websocket."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from .conversation import Conversation
from .participant import Participant

# As many as static/css/avatar.css has.
COLOURS = 8


class Colours:
    """The colours of one conversation's people. One query, with the first question."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def of(self, person: int) -> int:
        """0 to 7. Nobody who joins changes the colour of those who were there before."""
        known = self._known
        return known[person] if person in known else _free(person, known.values())

    @cached_property
    def _known(self) -> dict[int, int]:
        rows = Participant.objects.filter(conversation=self._conversation).order_by("pk", "group__user")
        known: dict[int, int] = {}
        for pair in [(self._conversation.owner_id, None), *rows.values_list("user", "group__user")]:
            for person in pair:
                if person is not None and person not in known:
                    known[person] = _free(person, known.values())
        return known


def _free(person: int, taken: Iterable[int]) -> int:
    """The person's own, or the next one that nobody else here has; their own as well when none is left."""
    own, used = person % COLOURS, set(taken)
    return next((one % COLOURS for one in range(own, own + COLOURS) if one % COLOURS not in used), own)

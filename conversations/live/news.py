"""What happened, told to every open page that may know: here directly, in other processes through the doorbell.

Called by actions after their commit, from any thread.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from ..models import Conversation, Generation, Message
from . import doorbell, mirrors
from .hub import Frame, hub
from .presence import presence

People = set[int] | None


def message_created(
    conversation: Conversation, turn: Message, reply: Message, generation: Generation, people: People
) -> None:
    """A new turn and the answer to it that is about to start."""
    frame = {
        "type": "message_created",
        "conversation": str(conversation.pk),
        "message": {
            "id": str(turn.pk),
            "parent": str(turn.parent_id) if turn.parent_id else None,
            "role": turn.role,
            "content": turn.content,
            "status": turn.status,
            "continues": turn.continues,
            "author": turn.author.badge if turn.author is not None else None,
        },
        "reply": str(reply.pk),
        "generation": str(generation.pk),
        "client_id": str(generation.client_id),
    }
    tell_conversation(conversation.pk, frame)
    conversations_updated([(conversation, people)], running={conversation.pk})


def conversation_updated(conversation: Conversation, people: People) -> None:
    """Title, place in the sidebar or state of a conversation changed."""
    conversations_updated([(conversation, people)])


def conversations_updated(
    updates: Iterable[tuple[Conversation, People]], *, running: Collection[uuid.UUID] | None = None
) -> None:
    """As `conversation_updated`, for many at once; `running` are those of them in which an answer runs now."""

    def update(conversation: Conversation) -> Frame:
        return update_of(conversation, **({} if running is None else {"running": conversation.pk in running}))

    tell_people(*((people, update(conversation)) for conversation, people in updates))


def update_of(conversation: Conversation, **more: Any) -> Frame:
    """The `conversation_updated` frame: what the sidebar shows, and `more`."""
    summary = {
        "id": str(conversation.pk),
        "title": conversation.title,
        "archived": conversation.archived_at is not None,
        "deleted": conversation.deleted_at is not None,
        "updated_at": conversation.updated_at.isoformat(),
        **more,
    }
    return {"type": "conversation_updated", "conversation": summary}


def tell_conversation(conversation: uuid.UUID, frame: Frame) -> None:
    """To the pages that have this conversation open."""
    hub.call(_deliver_to_conversation, conversation, frame)
    doorbell.ring({"conversation": str(conversation), "frame": frame})


def tell_people(*news: tuple[People, Frame]) -> None:
    """Each frame to all pages of its people (None: everybody)."""
    hub.call(_deliver_to_people, news)
    doorbell.ring(
        *({"people": None if people is None else sorted(people), "frame": frame} for people, frame in news)
    )


def answers_changed(answers: list[tuple[uuid.UUID, uuid.UUID, uuid.UUID]]) -> None:
    """(generation, message, conversation) of answers that were ended from outside the process that ran them."""
    rings = [[str(id) for id in answer] for answer in answers]
    mirrors.heard(rings)
    doorbell.ring({"answers": rings})


def recheck_rights() -> None:
    """Somebody's rights changed: every open page asks again and closes where they are gone."""
    hub.call(_recheck)
    doorbell.ring({"recheck": True})


def deaf_before() -> None:
    """Rings of other processes were lost: every page comes again and sees what it has missed. From any thread."""
    hub.call(_come_again)


def heard(rings: list[dict[str, Any]]) -> None:
    """Rings of another process, delivered to the pages of this one. From any thread."""
    if others := [ring for ring in rings if "answers" not in ring]:
        hub.call(_deliver, others)
    # That a turn was made is heard before its answer.
    mirrors.heard([answer for ring in rings for answer in ring.get("answers", ())])


def _deliver(rings: list[dict[str, Any]]) -> None:
    for ring in rings:
        if "present" in ring:
            presence.heard(ring)
        elif "status" in ring:
            mirrors.status_heard(ring["answer"], ring["seq"], ring["status"])
        elif ring.get("recheck"):
            _recheck()
        elif "conversation" in ring:
            _deliver_to_conversation(uuid.UUID(ring["conversation"]), ring["frame"])
        elif "people" in ring:
            people = ring["people"]
            _deliver_to_people([(None if people is None else set(people), ring["frame"])])


def _come_again() -> None:
    hub.rights_changed.set()
    for page in hub.of_people(None):
        page.come_again()


def _deliver_to_conversation(conversation: uuid.UUID, frame: Frame) -> None:
    for page in hub.in_conversation(conversation):
        page.tell(frame)


def _deliver_to_people(news: Iterable[tuple[People, Frame]]) -> None:
    for people, frame in news:
        for page in hub.of_people(people):
            page.tell(frame)


def _recheck() -> None:
    hub.rights_changed.set()

"""Where an upstream ran code for an earlier answer: a request that names the container finds its files again
(messages-api 5). Used by `context`.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import prefetch_related_objects
from django.utils import timezone

from ..models import Generation, LanguageModel, Message
from .signatures import asked_in_vain

# An idle container is put away and comes back with its id, so long. `expires_at` is only when it is put away.
_LIFETIME = timedelta(days=30)


def container_of(path: list[Message], language_model: LanguageModel) -> str:
    """The id of the container that the newest answer on this path names; "" where none does, or where this upstream
    has it no more.
    """
    ran = [message for message in path if _ran_code(message)]
    prefetch_related_objects(ran, "generation")
    # An answer that broke off may not have come to naming it.
    newest = next((message for message in reversed(ran) if _id_in(message)), None)
    if newest is None or timezone.now() - newest.created_at > _LIFETIME:
        return ""
    if newest.generation.upstream != language_model.provider.upstream:
        return ""
    # Refused once, it would be refused again and again: as invalid, as unknown, or with an internal error.
    if asked_in_vain(path[path.index(newest) :], "invalid", "model", "service"):
        return ""
    return _id_in(newest)


def _ran_code(message: Message) -> bool:
    return any("code_execution" in f"{block.get('type')} {block.get('name')}" for block in message.content)


def _id_in(message: Message) -> str:
    generation: Generation | None = getattr(message, "generation", None)
    container: dict[str, str] = (generation.container if generation is not None else None) or {}
    return container.get("id", "")

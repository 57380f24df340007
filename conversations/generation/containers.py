"""Where an upstream ran code for an earlier answer: a request that names the container finds its files again
(messages-api 5). Used by `context`.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import prefetch_related_objects
from django.utils import timezone

from ..models import Generation, LanguageModel, Message
from .signatures import asked_in_vain


def container_of(path: list[Message], language_model: LanguageModel) -> str:
    """The id of the container of the newest code on this path; "" where none ran, or where this upstream has it no
    more.
    """
    at = next((at for at in reversed(range(len(path))) if _ran_code(path[at])), None)
    if at is None:
        return ""
    prefetch_related_objects([path[at]], "generation")
    generation: Generation | None = getattr(path[at], "generation", None)
    if generation is None or generation.upstream != language_model.provider.upstream:
        return ""
    container: dict[str, str] = generation.container or {}
    # Refused once, it would be refused again and again: as invalid, or as something that is not there.
    if _is_over(container.get("expires_at", "")) or asked_in_vain(path[at:], "invalid", "model"):
        return ""
    return container.get("id", "")


def _ran_code(message: Message) -> bool:
    return any("code_execution" in f"{block.get('type')} {block.get('name')}" for block in message.content)


def _is_over(expires_at: str) -> bool:
    try:
        return datetime.fromisoformat(expires_at) <= timezone.now()
    except (ValueError, TypeError):
        # No time, or one of nobody knows where.
        return False

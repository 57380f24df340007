"""Whose thinking goes back: a signature holds at the upstream and for the model that made it, after the same beginning
(messages-api 5, 6.3). Used by `history` and `containers`.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import prefetch_related_objects

from ..actions.continuation import is_paused
from ..attachments import sending
from ..models import Generation, GenerationStatus, LanguageModel, Message
from ..upstream.silent import THINKING


def holding(path: list[Message], language_model: LanguageModel, parameters: dict[str, Any]) -> set[uuid.UUID]:
    """The answers of this path whose thinking goes out with a request to this model."""
    thoughtful = [message for message in path if _has_thinking(message)]
    if not thoughtful or _pictures_shrink(path, language_model):
        return set()
    prefetch_related_objects(thoughtful, "generation")
    in_vain = asked_in_vain(path, "invalid")
    # Above the last of them it stays out, or the same request would be refused again and again.
    last_in_vain = max((at for at, message in enumerate(path) if message.pk in in_vain), default=-1)
    found: set[uuid.UUID] = set()
    for at, message in enumerate(path):
        if any(block.get("omitted") for block in message.content):
            # What follows was thought with another beginning.
            break
        if message.stop_reason == "refusal" or not _has_thinking(message):
            continue
        if message.continues and path[at - 1].role == Message.Role.ASSISTANT and not is_paused(path[at - 1]):
            # Whoever thinks takes no prefill: it was asked for in words that no later request holds.
            continue
        if not _same_beginning(message, language_model, parameters):
            break
        if at > last_in_vain:
            found.add(message.pk)
    return found


def _has_thinking(message: Message) -> bool:
    return any(block.get("type") in THINKING for block in message.content)


def _same_beginning(message: Message, language_model: LanguageModel, parameters: dict[str, Any]) -> bool:
    generation: Generation | None = getattr(message, "generation", None)
    signed = all(
        block.get("signature") or block.get("data")
        for block in message.content
        if block.get("type") in THINKING
    )
    return (
        signed
        and generation is not None
        and generation.language_model_id == language_model.pk
        # Of answers from before this was kept, nobody knows.
        and generation.upstream in ("", language_model.provider.upstream)
        and generation.parameters.get("system") == parameters.get("system")
    )


def _pictures_shrink(path: list[Message], language_model: LanguageModel) -> bool:
    """Whether there are so many pictures that they go out smaller than in earlier requests."""
    capabilities = language_model.can
    turns = [message.content for message in path if message.role == Message.Role.USER]
    kept = [{"content": [block for block in content if not block.get("omitted")]} for content in turns]
    return capabilities.high_resolution and not sending.takes_large(sending.pictures_in(kept), capabilities)


def asked_in_vain(path: list[Message], *types: str) -> set[uuid.UUID | None]:
    """The turns to which a provider refused to answer, with an error of one of these types: `invalid` is what it says
    when it takes a signature for forged.
    """
    refused = Message.objects.filter(
        parent__in=[message.pk for message in path], status=GenerationStatus.FAILED, error__type__in=types
    )
    return set(refused.values_list("parent", flat=True))

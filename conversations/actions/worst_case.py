"""The most that a call may cost, before it is made: what budgets hold back for it. Used by `actions.budgets`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.utils import timezone

from ..attachments.sending import files_in
from ..models import Attachment, GenerationStatus, LanguageModel, Message
from ..upstream.usage import is_count
from .model_prices import worst_prices

_BYTES_PER_TOKEN = 2  # prose has four, figures and rare scripts two
_OVERHEAD_TOKENS = 500  # what an API adds by itself: roles, tool instructions


def of_answer(language_model: LanguageModel, turn: Message, parameters: dict[str, Any]) -> int | None:
    """Micro-dollars of an answer to this turn: the input as estimated, and all of max_tokens. None: no price known."""
    longest = language_model.max_tokens(parameters.get("max_tokens"))
    tokens = _input_tokens(turn) + len(str(parameters.get("system", "")).encode()) // _BYTES_PER_TOKEN
    return of_call(language_model, min(tokens, language_model.can.context), longest)


def of_text(language_model: LanguageModel, characters: int, max_tokens: int) -> int | None:
    """Micro-dollars of a short call of our own. None: no price known."""
    return of_call(language_model, characters + _OVERHEAD_TOKENS, max_tokens)


def of_call(language_model: LanguageModel, input_tokens: int, output_tokens: int) -> int | None:
    prices = worst_prices(language_model, timezone.now().date())
    if prices is None:
        return None
    if prices.long_prompt is not None and input_tokens > prices.long_prompt_tokens:
        prices = prices.long_prompt
    dearest = max(prices.input, prices.cache_write_5m)
    total = input_tokens * dearest + output_tokens * prices.output
    return int(Decimal(total).quantize(Decimal(1), ROUND_CEILING))


def _input_tokens(turn: Message) -> int:
    """The newest answer above tells how long the conversation was; what came after it is measured."""
    tokens = _OVERHEAD_TOKENS
    attachments: set[uuid.UUID] = set()
    for message in _upwards(turn):
        used = _used(message.usage)
        if used and message.status == GenerationStatus.COMPLETED:
            tokens += used
            break
        tokens += len(json.dumps(message.content, ensure_ascii=False).encode()) // _BYTES_PER_TOKEN
        attachments.update(uuid.UUID(id) for id in files_in(message))
    if attachments:
        tokens += sum(Attachment.objects.filter(pk__in=attachments).values_list("tokens", flat=True))
    return tokens


def _upwards(turn: Message) -> Iterator[Message]:
    """The turn and all above it. Mostly its parent is enough; whoever goes on gets more with every query."""
    yield turn
    leaf, several = turn.parent_id, 1
    rows = Message.objects.only("role", "content", "usage", "status", "parent_id")
    while leaf is not None:
        path = rows.path(leaf, several, related=())
        yield from reversed(path)
        leaf, several = path[0].parent_id if path else None, several * 8


def _used(usage: dict[str, Any] | None) -> int:
    """All tokens of an answered request; 0 where they were not counted to the end."""
    counts = [
        (usage or {}).get(name)
        for name in (
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
        )
    ]
    return sum(count for count in counts if is_count(count)) if is_count(counts[0]) else 0

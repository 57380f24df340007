"""How an answer ended, as the engine hands it over to be stored."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..live.replay import stop_body
from ..models import GenerationStatus
from ..upstream.accumulator import Accumulator


@dataclass(slots=True)
class Outcome:
    """Everything that is stored of an ended answer. `status` is one of the four final ones of the contract."""

    generation: uuid.UUID
    status: GenerationStatus
    last_seq: int
    content: list[dict[str, Any]] = field(default_factory=list)
    # The model that was asked, until another one says that it answers.
    model: str = ""
    stop_reason: str = ""
    stop_sequence: str = ""
    stop_details: dict[str, Any] | None = None
    container: dict[str, str] | None = None
    usage: dict[str, Any] | None = None
    usage_is_final: bool = False
    meta: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    html: list[Any] | None = None
    thinking_seconds: dict[str, float] | None = None
    request_id: str = ""
    first_token_at: datetime | None = None
    # The error types of the tries that came before the one whose end this is; None: the upstream was never asked.
    failed_attempts: list[str] | None = field(default_factory=list)
    # It ended in the pause before a retry: those tries are all that there were.
    ended_between_tries: bool = False
    # Filled by `finish`: the price in micro-dollars, None when it is not known.
    cost_microdollars: int | None = None

    def take(self, received: Accumulator) -> None:
        """All that the upstream sent."""
        self.content = received.content
        self.model = received.model or self.model
        self.stop_reason = received.stop_reason or ""
        self.stop_sequence = received.stop_sequence or ""
        self.stop_details = received.stop_details
        self.container = received.container
        self.usage = received.usage or None
        self.usage_is_final = received.usage_is_final
        self.meta = received.meta or None

    def stop_body(self) -> dict[str, Any]:
        """The last event of the answer."""
        return stop_body(self.status, self.error, self.stop_reason, self.usage, self.cost_microdollars)

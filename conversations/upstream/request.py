"""A request to create a message, as the engine gives it to the client; `request_body` writes it as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .capabilities import lookup
from .endpoint import Endpoint
from .model_table import Capabilities


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """What to ask, in the API's words (messages-api section 3); what a dialect or model refuses is left out
    by `request_body`. `abilities` is what an administrator says that the model can do; without it the table says it.
    """

    model: str
    messages: list[dict[str, Any]]
    max_tokens: int
    system: str = ""
    stop_sequences: list[str] = field(default_factory=list)
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None
    container: str = ""
    abilities: Capabilities | None = None


def abilities_of(request: MessageRequest, endpoint: Endpoint) -> Capabilities:
    """What the model that is asked can do behind this endpoint."""
    return request.abilities or lookup(request.model, endpoint.dialect)

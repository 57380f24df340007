"""Deltas of the wire → typed deltas (messages-api section 9.3): the fast way for the usual ones, the careful
way for the rest.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .events import (
    CitationsDelta,
    CompactionDelta,
    ContentBlockDelta,
    InputJsonDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from .json_values import storable, storable_text

Piece = TextDelta | ThinkingDelta | InputJsonDelta
Whole = SignatureDelta | CitationsDelta | CompactionDelta

# A third of a microsecond. Raises ValueError or RecursionError for whatever is not an ordinary delta.
decode_delta_event = msgspec.json.Decoder(ContentBlockDelta).decode

# The deltas that carry a piece of text: the field it is in, and the type.
PIECES: dict[str, tuple[str, type[Piece]]] = {
    "text_delta": ("text", TextDelta),
    "thinking_delta": ("thinking", ThinkingDelta),
    "input_json_delta": ("partial_json", InputJsonDelta),
}

# The deltas that a block of a known type may have (section 9.2); of other types nobody knows.
DELTAS_OF: dict[str, frozenset[str]] = {
    "text": frozenset({"text_delta", "citations_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "redacted_thinking": frozenset(),
    "compaction": frozenset({"compaction_delta"}),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), frozenset({"input_json_delta"})),
}
ALL_DELTAS = frozenset[str]().union(*DELTAS_OF.values())


def piece_text(delta: object) -> str | None:
    """The text of a piece; None for the other deltas."""
    if isinstance(delta, TextDelta):
        return delta.text
    if isinstance(delta, ThinkingDelta):
        return delta.thinking
    if isinstance(delta, InputJsonDelta):
        return delta.partial_json
    return None


def whole_delta(raw: dict[str, Any]) -> tuple[Whole, int] | None:
    """A delta that is set or pushed whole, storable, and its size in bytes; None for one that nobody knows."""
    kind = raw.get("type")
    delta: Whole
    if kind == "signature_delta":
        delta = SignatureDelta(storable_text(str(raw.get("signature") or "")))
    elif kind == "citations_delta" and isinstance(raw.get("citation"), dict):
        delta = CitationsDelta(storable(raw["citation"]))
    elif kind == "compaction_delta":
        delta = CompactionDelta(storable(raw.get("content")), storable(raw.get("encrypted_content")))
    else:
        return None
    return delta, len(msgspec.json.encode(delta))

"""One content block while its deltas arrive; a part of the accumulator."""

from __future__ import annotations

from typing import Any

import msgspec

from .events import (
    CitationsDelta,
    CompactionDelta,
    Delta,
    InputJsonDelta,
    SignatureDelta,
    ThinkingDelta,
)


class Block:
    """One content block while its deltas arrive: pieces in lists, joined when somebody looks."""

    __slots__ = ("citations", "fields", "json_pieces", "text", "thinking")

    def __init__(self, content_block: dict[str, Any]) -> None:
        self.fields = dict(content_block)
        self.text: list[str] = []
        self.thinking: list[str] = []
        self.json_pieces: list[str] = []
        self.citations: list[dict[str, Any]] = []

    def apply(self, delta: Delta) -> None:
        if isinstance(delta, ThinkingDelta):
            self.thinking.append(delta.thinking)
        elif isinstance(delta, InputJsonDelta):
            self.json_pieces.append(delta.partial_json)
        elif isinstance(delta, SignatureDelta):
            self.fields["signature"] = delta.signature
        elif isinstance(delta, CitationsDelta):
            self.citations.append(delta.citation)
        elif isinstance(delta, CompactionDelta):
            self.fields.update(
                {key: value for key, value in msgspec.structs.asdict(delta).items() if value is not None}
            )

    def as_dict(self) -> dict[str, Any]:
        """The block as the API writes it, as far as it has arrived. Joins what piled up, so that the next
        look is cheap.
        """
        fields = self.fields
        for name, pieces in (("text", self.text), ("thinking", self.thinking)):
            if pieces:
                begun = fields.get(name)
                fields[name] = (begun if isinstance(begun, str) else "") + "".join(pieces)
                pieces.clear()
        if self.citations:
            begun = fields.get("citations")
            fields["citations"] = [*(begun if isinstance(begun, list) else []), *self.citations]
            self.citations.clear()
        return fields

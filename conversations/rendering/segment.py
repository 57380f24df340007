"""What one pass over a growing text found. Apart from the parser, so that the server need not load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Segment:
    """Result of `incremental.render_open`.

    closed: HTML of the blocks that no later text can change, except by a link definition.
    open: provisional HTML of the block still open, ``""`` if there is none.
    consumed: code points of the tail that the closed blocks cover; the caller drops them.
    covered: code points of the tail that closed and open HTML cover together.
    references: link definitions to hand to the next pass.
    defines: definitions were seen; only then can `render_document` of the whole text differ at the end.
    """

    closed: list[str]
    open: str
    consumed: int
    covered: int
    references: dict[str, dict[str, Any]]
    defines: bool

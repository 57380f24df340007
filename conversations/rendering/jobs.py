"""What the render service can be asked for, and how a job and its result travel: length-prefixed JSON."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

SIZE_BYTES = 4
"""Length prefix of a frame, big-endian."""


@dataclass(frozen=True, slots=True)
class DocumentJob:
    """Render a whole text. Result: `list[str]`, the HTML of its blocks."""

    text: str


@dataclass(frozen=True, slots=True)
class TailJob:
    """Render the open end of a growing text (see `incremental.render_open`). Result: `Segment`, or `None`.

    `None`: the tail was beyond the budget; render the whole text as a document at the end.
    `key` names the growing text. A job that is not `final` is a live one: it waits for its share of CPU, and
    while it waits a newer job with the same key takes its place (the older future is cancelled).
    """

    tail: str
    references: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    final: bool = False
    key: Hashable = None


Job = DocumentJob | TailJob


def encode(message: Mapping[str, Any]) -> bytes:
    """Return `message` as one frame. Lone surrogates become question marks."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return len(body).to_bytes(SIZE_BYTES) + body


def decode(body: bytes) -> dict[str, Any]:
    """Return the message of a frame's body."""
    message: dict[str, Any] = json.loads(body)
    return message


def request(job: Job) -> dict[str, Any]:
    """Return `job` as the worker reads it."""
    if isinstance(job, DocumentJob):
        return {"text": job.text}
    return {"tail": job.tail, "references": job.references, "final": job.final}

"""The render process, `python -m conversations.rendering.worker`: no Django, no secrets. Fed by `service`.

Reads jobs on standard input, writes results on standard output, framed as `jobs` says; ends with its input.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

from . import budget, jobs
from .incremental import render_open
from .markdown import Block, Document, block_html, parse, plain_html, too_large
from .plain import plain_blocks

STEP_SECONDS = 0.25
"""CPU that one block, or the cutting of a text into blocks, may use (promises section 4, Markdown)."""

STEP_BYTES = 32 * 1024
"""A text gets `STEP_SECONDS` per such piece: large answers are formatted, slow ones end in plain text."""

MEMORY = 512 * 1024 * 1024
"""Address space of this process, in bytes."""

NICENESS = 5
"""Rendering gives way to the server: text is on the page before its format is."""


class Allowance:
    """What is left of a job's CPU time; each step takes at most `STEP_SECONDS` of it."""

    def __init__(self, size: int) -> None:
        self.total = STEP_SECONDS * (1 + size // STEP_BYTES)
        self._end = budget.used() + self.total

    def step(self) -> float:
        """Seconds that the next step may use; never zero, which would mean no limit."""
        return max(0.001, min(STEP_SECONDS, self._end - budget.used()))

    def block_html(self, document: Document, block: Block) -> str:
        """Render one block, or show it plain if that takes too long."""
        try:
            with budget.cpu_budget(self.step()):
                return block_html(document, block)
        except (budget.BudgetExceeded, MemoryError):
            return plain_html(document, block)


def render_document(text: str) -> list[str]:
    """Render a whole text under a budget; the same as `markdown.render_document` within it."""
    if too_large(text):
        return plain_blocks(text)
    allowance = Allowance(len(text))
    budget.last_resort(allowance.total + 1.0)
    try:
        with budget.cpu_budget(allowance.step()):
            document = parse(text, {})
    except (budget.BudgetExceeded, MemoryError):
        return plain_blocks(text)
    return [allowance.block_html(document, block) for block in document.blocks]


def render_tail(tail: str, references: dict[str, Any], final: bool) -> dict[str, Any] | None:
    """Render an open tail under a budget; `None` if even one block of it takes too long."""
    allowance = Allowance(len(tail))
    budget.last_resort(allowance.total + 1.0)
    try:
        with budget.cpu_budget(allowance.step()):
            return dataclasses.asdict(render_open(tail, references, final=final))
    except (budget.BudgetExceeded, MemoryError):
        return None


def answer(message: dict[str, Any]) -> dict[str, Any]:
    """Do one job. The reply holds `html` or `segment`, and `cpu`, the seconds the text took."""
    start = budget.used()
    try:
        if "text" in message:
            reply: dict[str, Any] = {"html": render_document(message["text"])}
        else:
            reply = {"segment": render_tail(message["tail"], message["references"], message["final"])}
    except Exception:  # whatever a text provokes in a parser costs it its format, not the process
        reply = {"html": plain_blocks(message["text"])} if "text" in message else {"segment": None}
    budget.last_resort(0)
    reply["cpu"] = budget.used() - start
    return reply


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer jobs until `source` ends."""
    while prefix := source.read(jobs.SIZE_BYTES):
        sink.write(jobs.encode(answer(jobs.decode(source.read(int.from_bytes(prefix))))))
        sink.flush()


def main() -> None:
    """Limit this process and serve standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if hasattr(os, "sched_setaffinity"):
        # The server keeps to one core, and this process would be kept there as well.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    budget.install()
    # A server that was killed with work on the way resets the connection: no news for a log.
    with contextlib.suppress(ConnectionError):
        sys.stdout.buffer.write(jobs.encode({"ready": True}))
        sys.stdout.buffer.flush()
        serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()

"""Named crash points: the process kills itself with SIGKILL at the n-th time that it comes by one.

Nothing of this is in the product: a server that is to crash is started by `zygote` with its functions wrapped.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

# What each point is good for: the promise's "before commit / after commit before ack / after ack before upstream".
POINTS = (
    "send before commit",
    "send after commit",
    "send before ack",
    "send after ack",
    "journal before write",
    "journal before commit",
    "journal after commit",
    "finish before commit",
    "finish after commit",
)
# A file: its row, its bytes, then that they are whole together with what refers to them; away in the opposite order.
UPLOADS = (
    "upload before bytes",
    "upload amid bytes",
    "upload after bytes",
    "upload before commit",
    "upload after commit",
    "removal after commit",
)
SWEEPS = ("sweep before bytes", "sweep after bytes", "sweep after commit")


def crash_at(point: str, hits: int = 1) -> None:
    """Wrap what the point names."""
    from django.db import transaction

    from conversations.actions import answers, asking, attachments, journal, stored_files, uploads
    from conversations.generation import journal_writer
    from conversations.generation.supervisor import UpstreamClient
    from conversations.models import Attachment, Generation
    from conversations.views import sending

    countdown = _Countdown(hits)
    match point:
        case "send before commit":
            Generation.save = _after(Generation.save, countdown)  # type: ignore[method-assign]
        case "send after commit":
            asking.news.message_created = _before(asking.news.message_created, countdown)
        case "send before ack":
            sending.begin = _after(sending.begin, countdown)  # type: ignore[attr-defined]
        case "send after ack":
            UpstreamClient.stream = _instead_of_asking(UpstreamClient.stream, countdown)  # type: ignore[method-assign]
        case "journal before write":
            journal_writer.journal.flush = _before(journal.flush, countdown)  # type: ignore[attr-defined]
        case "journal before commit":
            # In a transaction around it: of PostgreSQL's one statement there is no before.
            written = _after(journal.flush, countdown)
            journal_writer.journal.flush = transaction.atomic(written)  # type: ignore[attr-defined]
        case "journal after commit":
            journal_writer.journal.flush = _after(journal.flush, countdown)  # type: ignore[attr-defined]
        case "finish before commit":
            answers._finish_all = _after(answers._finish_all, countdown)
        case "finish after commit":
            journal_writer.answers.finish = _after(answers.finish, countdown)  # type: ignore[attr-defined]
        case "upload before bytes":
            stored_files.default_storage.save = _before(stored_files.default_storage.save, countdown)
        case "upload amid bytes":
            stored_files.File.chunks = _half(stored_files.File.chunks, countdown)  # type: ignore[attr-defined]
        case "upload after bytes":
            stored_files.default_storage.save = _after(stored_files.default_storage.save, countdown)
        case "upload before commit":
            Attachment.save = _after(Attachment.save, countdown)  # type: ignore[method-assign]
        case "upload after commit":
            uploads._attached = _after(uploads._attached, countdown)
        case "removal after commit":
            attachments.remove = _after(attachments.remove, countdown)
        case "sweep before bytes":
            stored_files.default_storage.delete = _before(stored_files.default_storage.delete, countdown)
        case "sweep after bytes":
            stored_files.default_storage.delete = _after(stored_files.default_storage.delete, countdown)
        case "sweep after commit":
            attachments.stored_files.sweep = _after(stored_files.sweep, countdown)  # type: ignore[attr-defined]
        case _:
            raise ValueError(f"There is no crash point “{point}”.")


class _Countdown:
    def __init__(self, hits: int) -> None:
        self._hits = hits

    def is_over(self) -> bool:
        self._hits -= 1
        return self._hits <= 0

    def tick(self) -> None:
        if self.is_over():
            os.kill(os.getpid(), signal.SIGKILL)


def _before(function: Callable[..., Any], countdown: _Countdown) -> Any:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        countdown.tick()
        return function(*args, **kwargs)

    return wrapped


def _after(function: Callable[..., Any], countdown: _Countdown) -> Any:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        countdown.tick()
        return result

    return wrapped


def _half(function: Callable[..., Any], countdown: _Countdown) -> Any:
    """It dies when half a file is written."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        is_over = countdown.is_over()
        for chunk in function(*args, **kwargs):
            if is_over:
                yield chunk[: len(chunk) // 2]
                os.kill(os.getpid(), signal.SIGKILL)
            yield chunk

    return wrapped


def _instead_of_asking(function: Callable[..., Any], countdown: _Countdown) -> Any:
    """The send is answered, the provider is not asked: the process dies in between."""

    async def wrapped(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        if countdown.is_over():
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        async for events in function(*args, **kwargs):
            yield events

    return wrapped

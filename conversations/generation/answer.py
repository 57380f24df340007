"""One running answer: reads the upstream, appends to its live log, and ends in exactly one outcome."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import datetime
from enum import Enum
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error
from django.utils import timezone

from ..actions import ledger
from ..actions.outcome import Outcome
from ..live import statuses
from ..live.log import LiveLog
from ..live.replay import start_body
from ..live.thinking import Stopwatch, thinking_seconds
from ..models import GenerationStatus
from ..models.message import told_to_all
from ..upstream.accumulator import Accumulator
from ..upstream.client import UpstreamClient, Wait
from ..upstream.errors import GarbledAnswer, UpstreamError
from ..upstream.events import (
    ContentBlockStart,
    ContentBlockStop,
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
)
from . import owner
from .context import Turn
from .live_html import LiveHTML

logger = logging.getLogger(__name__)

RESTART = {"type": "restart", "message": "The server was restarted in the middle of this answer."}
UNEXPECTED = {"type": "internal", "message": "Something went wrong on this server."}


class Ending(Enum):
    """Why a running answer is cut short from this side."""

    STOP = "stop"
    DRAIN = "drain"
    LOST = "lost"  # another process has ended it: nothing of ours may be stored


class Answer:
    """Run by the supervisor as a task of its own, written down by the journal meanwhile, followed through its `log`.

    `journalled` is the number of the last event that the journal has; `ending` says why it is cut short, if it is.
    """

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.log = LiveLog(turn.generation, turn.message, turn.conversation)
        self.journalled = 0
        self.ending: Ending | None = None
        self.task: asyncio.Task[None] | None = None
        self.first_token_at: datetime | None = None
        self._accumulator = Accumulator()
        self._html = LiveHTML(self.log)
        self._thinking = Stopwatch()
        self._tries = 0
        self._failed_attempts: list[str] = []
        self._request_id = ""
        self._reading = False
        self._ended = False

    def cut(self, ending: Ending) -> None:
        """End the answer from this side and close the upstream connection. The first reason counts."""
        if self.ending is not None or self._ended:
            return
        self.ending = ending
        # A task that is cancelled before it has begun would never store its outcome.
        if self._reading and self.task is not None:
            self.task.cancel()

    async def read(self, client: UpstreamClient) -> Outcome:
        """Relay the whole answer. Never raises for what an upstream or a person can do: the outcome says it."""
        error: UpstreamError | dict[str, Any] | None = None
        status = GenerationStatus.COMPLETED
        slow: asyncio.TimerHandle | None = None
        try:
            if self.ending is not None:
                raise asyncio.CancelledError
            self._reading = True
            slow = asyncio.get_running_loop().call_later(settings.SLOW_ANSWER_SECONDS, self._slow)
            async with aclosing(
                client.stream(
                    self.turn.endpoint,
                    self.turn.request,
                    on_wait=self._wait,
                    on_try=self._try_begun,
                    on_answer=self._answered,
                )
            ) as stream:
                async for events in stream:
                    self._append(events)
            # A stop that came with the last bytes is delivered here, not in the middle of storing.
            await asyncio.sleep(0)
        except UpstreamError as failure:
            error = failure
            self._request_id = failure.request_id or self._request_id
            status = GenerationStatus.INTERRUPTED
        except asyncio.CancelledError:
            if self.ending is None:
                raise
            status = GenerationStatus.STOPPED if self.ending is Ending.STOP else GenerationStatus.INTERRUPTED
            error = None if self.ending is Ending.STOP else RESTART
        except Exception:
            logger.exception("An answer ended in an unexpected error: generation %s", self.turn.generation)
            status, error = GenerationStatus.INTERRUPTED, UNEXPECTED
        finally:
            if slow is not None:
                slow.cancel()
        self._ended = True
        return await self._outcome(status, error)

    def _try_begun(self) -> None:
        self._tries += 1

    def _answered(self, request_id: str) -> None:
        """This try is being answered, under the upstream's own name for it: what its support asks for."""
        self._request_id = request_id

    def _append(self, events: list[Event]) -> None:
        log: list[Any] = []
        found = self._accumulator
        try:
            for event in events:
                found.apply(event)
                if isinstance(event, MessageStart):
                    log.append(start_body(found.model or self.turn.request.model, dict(found.usage)))
                elif isinstance(event, MessageDelta):
                    log.append({"type": "message_delta", "delta": event.delta, "usage": dict(found.usage)})
                elif isinstance(event, ContentBlockStop):
                    log.append(self._thinking.stopped(event))
                elif not isinstance(event, MessageStop):
                    if isinstance(event, ContentBlockStart):
                        self.first_token_at = self.first_token_at or timezone.now()
                        self._thinking.started(event)
                    log.append(event)
        finally:
            # Also what came before a garbled event: every received character is kept.
            self._publish(log)

    def _publish(self, events: list[Any]) -> None:
        if events:
            if not self.log.events and not (type(events[0]) is dict and events[0]["type"] == "message_start"):
                events.insert(0, start_body(self.turn.request.model, {}))
            self.log.extend(events)
            self._html.feed(events, self.log.seq)

    async def _wait(self, wait: Wait) -> None:
        """A try has failed, and there is a pause before the next: pages show a countdown, the ledger has its row."""
        self._failed_attempts.append(wait.error.type)
        self._request_id = ""
        # A connection that was lost before an answer began is made again silently (promises S08).
        if wait.error.type != "connection_lost":
            told = told_to_all(described(wait.error) | {"message": wait.error.brief})
            self._tell_status("waiting", wait.retry_at, told)
        try:
            is_ours = await database_sync_to_async(ledger.book_failed_tries)(
                self.turn.generation, owner.identity(), list(self._failed_attempts)
            )
        except Error:
            # The disk may be full or the database away: it is booked with the next one, or with the end.
            logger.exception("A failed try could not be booked: generation %s", self.turn.generation)
            return
        if not is_ours:
            self.cut(Ending.LOST)

    def _slow(self) -> None:
        if not self.log.events and self.log.status is None:
            self._tell_status("slow")

    def _tell_status(
        self, status: str, retry_at: float | None = None, error: dict[str, Any] | None = None
    ) -> None:
        told = {"type": "generation_status", "status": status, "retry_at": retry_at, "error": error}
        statuses.tell(self.log, told)

    async def _outcome(
        self, status: GenerationStatus, error: UpstreamError | dict[str, Any] | None
    ) -> Outcome:
        # No clock tells: one that is put back would hide a call that is under way.
        is_between_tries = 0 < self._tries == len(self._failed_attempts)
        found = self._accumulator
        blocks = len(found.content)
        try:
            found.finish()
        except GarbledAnswer:
            logger.warning("A broken-off answer could not be closed: generation %s", self.turn.generation)
        closing: list[Any] = [] if self.log.events else [start_body(self.turn.request.model, {})]
        if self.log.has_open_block() and len(found.content) == blocks:
            # Half a tool call is not kept: it stays open, which tells the page to drop it too.
            closing.append(self._thinking.stopped(ContentBlockStop(blocks - 1)))
        self._publish(closing)
        if isinstance(error, UpstreamError):
            if not found.content:
                # At most the beginning of a block had come: there is nothing to continue.
                error.nothing_arrived()
                # Pings had come of what stalled (promises row 18).
                if error.type != "stalled":
                    status = GenerationStatus.FAILED
            error = described(error)
        html = await self._html.finish(found.content)
        outcome = Outcome(
            generation=self.turn.generation,
            status=status,
            last_seq=self.log.seq + 1,
            model=self.turn.request.model,
            error=error,
            html=html,
            request_id=self._request_id,
            first_token_at=self.first_token_at,
            failed_attempts=self._failed_attempts if self._reading else None,
            ended_between_tries=is_between_tries,
            thinking_seconds=thinking_seconds(self.log),
        )
        outcome.take(found)
        return outcome


def described(failure: UpstreamError) -> dict[str, Any]:
    """The error as it is stored and shown: type, plain sentence, and what administrators need beside it."""
    described: dict[str, Any] = {"type": failure.type, "message": failure.message}
    for name in ("admin_message", "detail", "status", "request_id", "retry_at"):
        if value := getattr(failure, name):
            described[name] = value
    return described

"""Starts, stops and drains the running answers of this process. Views call it from their threads, the server at boot
and at the end.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Coroutine
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from chatsite import metrics
from chatsite.logging import generation_id

from ..actions import journal
from ..actions import titles as title_calls
from ..live import doorbell, mirrors, news, patrol
from ..live.hub import hub
from ..upstream.client import UpstreamClient
from . import owner, reaper, sweeper, titles
from .answer import Answer, Ending
from .context import Turn
from .journal import Journal
from .limits import upstream_limits

logger = logging.getLogger(__name__)


class Supervisor:
    """All state belongs to the event loop."""

    def __init__(self) -> None:
        self.draining = False
        self._answers: dict[uuid.UUID, Answer] = {}
        self._journal: Journal | None = None
        self._client: UpstreamClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self) -> None:
        """Make the running loop the one that answers. Called by everything that enters through the loop; cheap."""
        loop = asyncio.get_running_loop()
        if hub.loop is loop:
            return
        hub.attach(loop)
        self._answers.clear()
        self._tasks.clear()
        self._journal = Journal(owner.identity(), lambda answer, ending: answer.cut(ending))
        self._client = UpstreamClient(upstream_limits())
        self._spawn(patrol.walk_for_ever())
        if doorbell.is_connected():
            doorbell.open_bell(news.heard, news.deaf_before)
            self._spawn(mirrors.watch_for_ever())

    def hold(self, generation: uuid.UUID) -> None:
        if self._journal is not None:
            self._journal.hold(generation)

    def let_go(self, generation: uuid.UUID) -> None:
        if self._journal is not None:
            self._journal.let_go(generation)

    def launch(self, turn: Turn) -> None:
        """Start answering; in the loop."""
        answer = Answer(turn)
        self._answers[turn.generation] = answer
        hub.open_log(answer.log)
        answer.task = asyncio.get_running_loop().create_task(self._supervise(answer))

    def cut(self, generation: uuid.UUID, ending: Ending) -> None:
        answer = self._answers.get(generation)
        if answer is not None:
            answer.cut(ending)

    async def _supervise(self, answer: Answer) -> None:
        assert self._journal is not None and self._client is not None
        generation_id.set(str(answer.turn.generation))
        self._journal.add(answer)
        began = time.time()
        stored = False
        metrics.running.inc()
        try:
            outcome = await answer.read(self._client)
            # From here on a stop comes too late: what is stored is stored whole.
            stored = answer.ending is not Ending.LOST and await asyncio.shield(
                self._journal.finish(answer, outcome)
            )
        except Exception:
            # Pages must not wait for ever; what is stored is ended when nobody renews the lease.
            logger.exception("An answer could not be ended: generation %s", answer.turn.generation)
        finally:
            self._journal.discard(answer)
            self._answers.pop(answer.turn.generation, None)
            metrics.running.dec()
        if stored:
            answer.log.close(outcome.stop_body())
            metrics.answered(outcome.status, outcome.usage)
            if outcome.first_token_at is not None:
                metrics.first_word.observe(outcome.first_token_at.timestamp() - began)
            hub.retire(answer.log, settings.LOG_RETENTION_SECONDS)
        else:
            await mirrors.end_as_stored(answer.log)
        if stored and not self.draining:
            self._spawn(titles.give_title(self._client, answer.turn, outcome))

    async def drain(self, seconds: float) -> None:
        """No new answers; the running ones get `seconds` to end, then keep what arrived."""
        self.draining = True
        tasks = [answer.task for answer in self._answers.values() if answer.task is not None]
        if tasks:
            logger.info("Waiting for running answers to end: %d.", len(tasks))
            await asyncio.wait(tasks, timeout=seconds)
        for answer in list(self._answers.values()):
            answer.cut(Ending.DRAIN)
        if tasks:
            await asyncio.wait(tasks, timeout=5)
            # The last frames leave within two intervals; after that the sockets are closed.
            await asyncio.sleep(4 * settings.FRAME_INTERVAL)
        others = list(self._tasks)
        for task in others:
            task.cancel()
        if others:
            # Each closes the connection that it holds.
            await asyncio.wait(others, timeout=2)
        if self._journal is not None:
            await self._journal.close()
        await mirrors.close()
        await asyncio.to_thread(doorbell.close_bell)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reap_for_ever(self) -> None:
        while True:
            try:
                held = self._journal.at_work_on if self._journal is not None else set()
                await database_sync_to_async(reaper.reap)(held | self._answers.keys())
                await database_sync_to_async(journal.sweep)()
                await database_sync_to_async(title_calls.end_lost_calls)()
            except Exception:
                logger.exception("Interrupted answers could not be looked for; trying again.")
            await asyncio.sleep(settings.LEASE_SECONDS / 3)

    def start_reaping(self) -> None:
        self._spawn(self.reap_for_ever())
        self._spawn(sweeper.sweep_for_ever())


supervisor = Supervisor()


def attach() -> None:
    """The running loop is the one that answers; called by everything that is entered through it."""
    supervisor.attach()


async def boot() -> None:
    """The server begins: answers of dead processes are taken over before the first page is served."""
    supervisor.attach()
    await database_sync_to_async(reaper.reap)()
    supervisor.start_reaping()


async def drain(seconds: float) -> None:
    """The server ends."""
    await supervisor.drain(seconds)


def identity() -> str:
    """The owner to write on new generations; "" while this server is about to stop."""
    return "" if supervisor.draining else owner.identity()


def hold(generation: uuid.UUID) -> None:
    """Its request is being prepared, which takes long where pictures are made for it; from any thread."""
    hub.call(supervisor.hold, generation)


def let_go(generation: uuid.UUID) -> None:
    """It is launched, or will never be; from any thread."""
    hub.call(supervisor.let_go, generation)


def launch(turn: Turn) -> None:
    """Start answering, from any thread. Without a server in this process the answer waits for one to take it over."""
    hub.call(supervisor.launch, turn)


def stop(generation: uuid.UUID) -> None:
    """Stop at once if the answer runs in this process, from any thread."""
    hub.call(supervisor.cut, generation, Ending.STOP)

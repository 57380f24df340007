"""Requests on threads: one after the other while they are quick, beside each other when one takes long."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest

from chatsite.thread_pools import ThreadPool
from tests.patience import SECONDS

ENDLESS = 3600.0
"""Patience with which no call ever takes long."""


class LongCall:
    """One that has begun and takes until it is let go."""

    def __init__(self) -> None:
        self._begun, self._done = threading.Event(), threading.Event()

    async def begin(self, pool: ThreadPool) -> None:
        self._task = asyncio.create_task(pool.run(self._wait))
        assert await asyncio.to_thread(self._begun.wait, 10)

    async def end(self) -> None:
        assert not self._task.done()
        self._done.set()
        assert (await self._task)[0] is True

    def _wait(self) -> bool:
        self._begun.set()
        return self._done.wait(SECONDS)


class Crowd:
    """Counts how many are in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self.most = 0
        self.order: list[int] = []

    def visit(self, number: int) -> int:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self.order.append(number)
        sum(range(20_000))
        with self._lock:
            self._inside -= 1
        return number


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


async def test_quick_calls_run_one_after_the_other_in_their_order(crowd: Crowd) -> None:
    pool = ThreadPool(4, "test", ENDLESS)
    found = await asyncio.wait_for(asyncio.gather(*(pool.run(crowd.visit, n) for n in range(50))), SECONDS)
    assert [result for result, _ in found] == crowd.order == list(range(50))
    assert crowd.most == 1


async def test_a_call_that_comes_while_all_rest_begins_at_once(crowd: Crowd) -> None:
    pool = ThreadPool(2, "test", ENDLESS)
    for number in range(20):
        assert (await asyncio.wait_for(pool.run(crowd.visit, number), SECONDS))[0] == number


async def test_without_patience_every_thread_takes_a_call_at_once(crowd: Crowd) -> None:
    pool, slow = ThreadPool(3, "test"), [LongCall(), LongCall()]
    for call in slow:
        await call.begin(pool)
    for number in range(5):
        await asyncio.wait_for(pool.run(crowd.visit, number), SECONDS)
    for call in slow:
        await call.end()


async def test_one_that_waits_behind_a_long_one_begins_without_another_coming(crowd: Crowd) -> None:
    pool, slow = ThreadPool(2, "test", patience=0.05), LongCall()
    await slow.begin(pool)
    await asyncio.wait_for(pool.run(crowd.visit, 1), SECONDS)
    await slow.end()


@pytest.mark.parametrize("patience", [0.0, 0.001, ENDLESS])
async def test_when_all_take_long_the_next_begins_with_the_first_that_ends(
    crowd: Crowd, patience: float
) -> None:
    count = 1 if patience == ENDLESS else 2
    pool, slow = ThreadPool(count, "test", patience), [LongCall() for _ in range(count)]
    for call in slow:
        await call.begin(pool)
    waiting = asyncio.create_task(pool.run(crowd.visit, 1))
    await slow.pop().end()
    await asyncio.wait_for(waiting, SECONDS)
    for call in slow:
        await call.end()


async def test_what_belongs_to_a_request_goes_to_its_thread() -> None:
    pool = ThreadPool(3, "test")
    here, worker = await pool.run(threading.get_ident)
    assert await worker.run(threading.get_ident) == here


async def test_an_error_reaches_who_called_and_nobody_else(crowd: Crowd) -> None:
    pool = ThreadPool(2, "test", ENDLESS)

    def fails() -> None:
        raise ValueError("no")

    results: list[Any] = await asyncio.gather(
        pool.run(crowd.visit, 1), pool.run(fails), pool.run(crowd.visit, 2), return_exceptions=True
    )
    assert (results[0][0], str(results[1]), results[2][0]) == (1, "no", 2)


@pytest.mark.parametrize("patience", [0.0, ENDLESS])
async def test_one_that_is_no_longer_wanted_is_not_begun(crowd: Crowd, patience: float) -> None:
    pool, slow = ThreadPool(1, "test", patience), LongCall()
    await slow.begin(pool)
    unwanted = asyncio.create_task(pool.run(crowd.visit, 1))
    wanted = asyncio.create_task(pool.run(crowd.visit, 2))
    await asyncio.sleep(0)
    unwanted.cancel()
    with pytest.raises((CancelledError, asyncio.CancelledError)):
        await unwanted
    await slow.end()
    await wanted
    assert crowd.order == [2]

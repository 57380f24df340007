"""Requests on threads: one after the other while they are quick, beside each other when one takes long."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest

from chatsite import thread_pools
from chatsite.thread_pools import OneByOne


@pytest.fixture
def endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call ever takes long."""
    monkeypatch.setattr(thread_pools, "PATIENCE_SECONDS", 3600.0)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call takes long as soon as it has begun."""
    monkeypatch.setattr(thread_pools, "PATIENCE_SECONDS", 0.0)


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


async def test_quick_calls_run_one_after_the_other_in_their_order(endless_patience: None) -> None:
    pool, crowd = OneByOne(4, "test"), Crowd()
    found = await asyncio.wait_for(asyncio.gather(*(pool.run(crowd.visit, n) for n in range(50))), 20)
    assert [result for result, _ in found] == crowd.order == list(range(50))
    assert crowd.most == 1


async def test_a_call_that_comes_while_all_rest_begins_at_once(endless_patience: None) -> None:
    pool, crowd = OneByOne(2, "test"), Crowd()
    for number in range(20):
        assert (await asyncio.wait_for(pool.run(crowd.visit, number), 20))[0] == number


async def test_while_one_takes_long_the_others_go_on(no_patience: None) -> None:
    pool, crowd, done = OneByOne(2, "test"), Crowd(), threading.Event()
    slow = asyncio.create_task(pool.run(done.wait, 20))
    for number in range(5):
        await asyncio.wait_for(pool.run(crowd.visit, number), 10)
    assert not slow.done()
    done.set()
    assert (await slow)[0] is True


async def test_one_that_waits_behind_a_long_one_begins_without_another_coming(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thread_pools, "PATIENCE_SECONDS", 0.05)
    pool, crowd, begun, done = OneByOne(2, "test"), Crowd(), threading.Event(), threading.Event()

    def long() -> bool:
        begun.set()
        return done.wait(20)

    slow = asyncio.create_task(pool.run(long))
    await asyncio.to_thread(begun.wait, 10)
    await asyncio.wait_for(pool.run(crowd.visit, 1), 10)
    done.set()
    assert (await slow)[0] is True


async def test_when_all_take_long_the_next_begins_with_the_first_that_ends(no_patience: None) -> None:
    pool, crowd, done = OneByOne(2, "test"), Crowd(), [threading.Event(), threading.Event()]
    slow = [asyncio.create_task(pool.run(event.wait, 20)) for event in done]
    waiting = asyncio.create_task(pool.run(crowd.visit, 1))
    done[1].set()
    await asyncio.wait_for(waiting, 10)
    assert not slow[0].done()
    done[0].set()
    await asyncio.gather(*slow)


async def test_what_belongs_to_a_request_goes_to_its_thread() -> None:
    pool = OneByOne(3, "test")
    here, worker = await pool.run(threading.get_ident)
    assert await worker.run(threading.get_ident) == here


async def test_an_error_reaches_who_called_and_nobody_else(endless_patience: None) -> None:
    pool, crowd = OneByOne(2, "test"), Crowd()

    def fails() -> None:
        raise ValueError("no")

    results: list[Any] = await asyncio.gather(
        pool.run(crowd.visit, 1), pool.run(fails), pool.run(crowd.visit, 2), return_exceptions=True
    )
    assert (results[0][0], str(results[1]), results[2][0]) == (1, "no", 2)


async def test_one_that_is_no_longer_wanted_is_not_begun(endless_patience: None) -> None:
    pool, crowd, begun, done = OneByOne(1, "test"), Crowd(), threading.Event(), threading.Event()

    def long() -> bool:
        begun.set()
        return done.wait(20)

    slow = asyncio.create_task(pool.run(long))
    await asyncio.to_thread(begun.wait, 10)
    unwanted = asyncio.create_task(pool.run(crowd.visit, 1))
    wanted = asyncio.create_task(pool.run(crowd.visit, 2))
    await asyncio.sleep(0)
    unwanted.cancel()
    with pytest.raises((CancelledError, asyncio.CancelledError)):
        await unwanted
    done.set()
    await asyncio.gather(slow, wanted)
    assert crowd.order == [2]

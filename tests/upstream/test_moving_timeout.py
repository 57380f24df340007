"""The time-out around network reads: it rings when its last deadline is reached, not when its first one is."""

from __future__ import annotations

import asyncio

import pytest

from conversations.upstream.moving_timeout import MovingTimeout
from tests import patience
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_wait_beyond_the_deadline_times_out() -> None:
    limit = MovingTimeout()
    limit.deadline = asyncio.get_running_loop().time() + 0.01
    with pytest.raises(TimeoutError), limit:
        await asyncio.Event().wait()


@in_virtual_time
async def test_a_deadline_that_has_passed_times_out_at_once() -> None:
    limit = MovingTimeout()
    with pytest.raises(TimeoutError), limit:
        await asyncio.Event().wait()


@in_virtual_time
async def test_a_deadline_that_moved_on_counts_from_where_it_is_now() -> None:
    loop = asyncio.get_running_loop()
    limit = MovingTimeout()
    for _ in range(5):
        limit.deadline = loop.time() + 0.03
        with limit:
            await asyncio.sleep(0.015)
    limit.deadline = until = loop.time() + 0.03
    with pytest.raises(TimeoutError), limit:
        await asyncio.Event().wait()
    assert loop.time() == until


@in_virtual_time
async def test_a_deadline_that_came_nearer_counts() -> None:
    loop = asyncio.get_running_loop()
    limit = MovingTimeout()
    limit.deadline = loop.time() + 60
    with limit:
        await asyncio.sleep(0)
    limit.deadline = loop.time() + 0.01
    async with asyncio.timeout(patience.SECONDS):
        with pytest.raises(TimeoutError), limit:
            await asyncio.Event().wait()
    limit.close()


@in_virtual_time
async def test_nobody_is_disturbed_between_two_waits() -> None:
    loop = asyncio.get_running_loop()
    limit = MovingTimeout()
    limit.deadline = loop.time() + 0.01
    with limit:
        await asyncio.sleep(0)
    await asyncio.sleep(0.03)
    limit.deadline = loop.time() + 60
    with limit:
        await asyncio.sleep(0)
    limit.close()


@in_virtual_time
async def test_a_cancelled_wait_is_cancelled_and_not_late() -> None:
    limit = MovingTimeout()
    limit.deadline = asyncio.get_running_loop().time() + 60

    async def wait() -> None:
        with limit:
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    limit.close()


@in_virtual_time
async def test_an_error_inside_comes_out_as_it_is() -> None:
    limit = MovingTimeout()
    limit.deadline = asyncio.get_running_loop().time() + 60
    with pytest.raises(ValueError), limit:
        raise ValueError
    limit.close()

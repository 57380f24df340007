"""`start --workers N`: several processes on one port, ended and replaced as one server."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.processes import tree

from .client import Page, request
from .place import POSTGRES, Place

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


@pytest.fixture(scope="module")
def whole_place(outside_services: None) -> Iterator[Place]:
    with Place(POSTGRES, workers=2, CHATSITE_DRAIN_SECONDS="3") as place:
        place.add_people(4)
        yield place


@pytest.fixture
def place(whole_place: Place) -> Place:
    server = whole_place.servers[0]
    return whole_place if server.is_alive() else (whole_place.start(server), whole_place)[1]


def workers_of(place: Place) -> list[int]:
    parent = place.servers[0].pid
    return [pid for pid in tree(parent)[1:] if _parent(pid) == parent]


def _parent(pid: int) -> int:
    """0 when the process has ended meanwhile."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def until(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


async def answered(place: Place, session: str) -> str:
    """Sends and reads the answer, through whichever workers take the connections."""
    port = place.servers[0].port
    fields = {"text": "load-60-10", "client_id": str(uuid.uuid4())}
    status, sent = await request(port, "POST", "/conversations/", session, fields)
    assert status == 201, sent
    page = Page(port, session, sent["conversation"]).open()
    shown = await page.ended(sent["generation"], 30)
    await page.close()
    assert shown.stop is not None
    return str(shown.stop["status"])


def test_both_answer_on_one_port_and_end_together(place: Place) -> None:
    async def everybody() -> list[str]:
        return await asyncio.gather(*(answered(place, session) for session in place.people * 3))

    assert len(workers_of(place)) == 2
    assert set(asyncio.run(everybody())) == {"completed"}
    place.servers[0].kill(signal.SIGTERM)
    place.servers[0].gone(20)
    assert "Stopped." in place.servers[0].log.read_text()


def test_a_worker_that_is_killed_is_replaced_and_its_answers_end(place: Place) -> None:
    port = place.servers[0].port

    async def begin() -> list[str]:
        fields = [{"text": "load-3000-10", "client_id": str(uuid.uuid4())} for _ in place.people]
        sent = [
            await request(port, "POST", "/conversations/", session, one)
            for session, one in zip(place.people, fields, strict=True)
        ]
        assert [status for status, _ in sent] == [201] * len(sent)
        await asyncio.sleep(1)
        return [body["generation"] for _, body in sent]

    assert asyncio.run(begin())
    first = workers_of(place)
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(workers_of(place)) == 2 and not set(workers_of(place)) & set(first))
    query = "SELECT count(*) FROM conversations_generation WHERE status IN ('queued', 'running')"
    until(lambda: place.rows(query)[0][0] == 0, 10)
    assert asyncio.run(answered(place, place.people[0])) == "completed"


def test_workers_do_not_outlive_a_parent_that_is_killed(place: Place) -> None:
    workers = workers_of(place)
    place.servers[0].kill(signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() and _state(pid) not in "ZX" for pid in workers))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"

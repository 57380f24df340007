"""The bench over two servers: everybody sends at once, half of the readers sit on the server that does not answer.

The provider and the readers are processes of their own, and share the machine with all else.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.figures import Arrival, figures
from tests.bench.processes import Child, cpu_seconds
from tests.bench.wire import WebSocket, open_socket, request

from .place import POSTGRES, Place
from .report import Finding

CHATS, DELTAS, MILLISECONDS = 400, 300, 20


async def prove(runs: int, seed: int, database: str, chats: int = CHATS) -> list[Finding]:
    """`runs` storms of 400 chats."""
    if database != POSTGRES:
        return []
    found = Finding(
        "bench", POSTGRES, f"{chats} chats over two servers, 0 failures, p95 ≤250 ms across", seed
    )
    with ExitStack() as stack:
        child = stack.enter_context(Child(["-m", "tests.fake_upstream"], {}, subprocess.PIPE))
        place = stack.enter_context(Place(POSTGRES, servers=2, url=child.line()))
        people = place.add_people(chats)
        for _ in range(runs):
            await _storm(place, people, found)
            found.runs += 1
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _storm(place: Place, people: list[str], found: Finding) -> None:
    one, other = place.servers
    # A conversation each, with a short answer, before the clock starts.
    room = asyncio.Semaphore(20)

    async def begin(number: int, session: str) -> tuple[str, WebSocket]:
        async with room:
            fields = {"text": "load-2-1", "client_id": str(uuid.uuid4())}
            status, sent = await request(
                place.servers[number % 2].port, "POST", "/conversations/", session, fields
            )
            assert status == 201, sent
            # Half of the readers are where the answer is made, half are not.
            reader = place.servers[(number + number // 2) % 2].port
            path = f"/ws/conversations/{sent['conversation']}/"
            return sent["conversation"], await open_socket(reader, path, session)

    pages = await asyncio.gather(*(begin(number, session) for number, session in enumerate(people)))
    await asyncio.sleep(2)
    began, busy, ours = time.monotonic(), _busy_seconds(), _server_seconds(place)
    arrivals = await asyncio.gather(
        *(_chat(place, number, people[number], *page) for number, page in enumerate(pages))
    )
    took, busy, ours = time.monotonic() - began, _busy_seconds() - busy, _server_seconds(place) - ours
    cores, pace = os.cpu_count() or 1, DELTAS * MILLISECONDS / 1000
    found.note(
        f"{took:.1f} s, in which the machine worked {busy:.1f} CPU-s, {ours:.1f} of them the servers; "
        f"at the asked pace ({pace:g} s) its {cores} cores have {cores * pace:g}"
    )
    for _, socket in pages:
        socket.close()
    near = [arrival for number, arrival in enumerate(arrivals) if (number + number // 2) % 2 == number % 2]
    far = [arrival for number, arrival in enumerate(arrivals) if (number + number // 2) % 2 != number % 2]
    for name, some in (("same server", near), ("across", far)):
        seen = figures(some, DELTAS, 0.0, 0.0)
        for failure in seen.failures[:5]:
            found.fail(f"{name}: {failure}")
        found.most(f"p95 of the latency, ms, {name}", _p95(some), 250)


async def _chat(place: Place, number: int, session: str, conversation: str, socket: WebSocket) -> Arrival:
    arrival = Arrival(time.time())
    fields = {"text": f"load-{DELTAS}-{MILLISECONDS}", "client_id": str(uuid.uuid4())}
    socket.stopped = asyncio.get_running_loop().create_future()
    first = len(socket.frames)
    path = f"/conversations/{conversation}/messages/"
    try:
        async with asyncio.timeout(120):
            status, sent = await request(place.servers[number % 2].port, "POST", path, session, fields)
            if status != 201:
                raise ValueError(f"the send was answered {status}: {sent}")
            await socket.stopped
    except (OSError, TimeoutError, ValueError) as error:
        arrival.failure = f"{type(error).__name__}: {error}"
        return arrival
    last = 0
    for at, payload in socket.frames[first:]:
        frame: dict[str, Any] = msgspec.json.decode(payload)
        if frame.get("generation") != sent["generation"] or frame["type"] == "block_html":
            continue
        if frame["type"] == "message_start":
            arrival.pieces.clear()
        elif frame.get("seq", 0) <= last:
            continue
        elif frame["type"] == "content_block_delta":
            arrival.pieces.append((at, frame["delta"]["text"]))
        elif frame["type"] == "message_stop" and frame["status"] != "completed":
            arrival.failure = f"the answer ended as {frame['status']}"
        last = frame.get("seq", last)
    return arrival


def _server_seconds(place: Place) -> float:
    """CPU that the servers have used so far."""
    return sum(sum(cpu_seconds(server.pid)) for server in place.servers)


def _busy_seconds() -> float:
    """CPU that the whole machine has used so far."""
    ticks = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")


def _p95(arrivals: list[Arrival]) -> float:
    delays = sorted(
        at - float(when)
        for arrival in arrivals
        for at, text in arrival.pieces
        for when in re.findall(r"\d+ (\d+\.\d{6}) ", text)
    )
    return delays[int(len(delays) * 0.95)] * 1000 if delays else float("inf")

"""P7: sockets and event streams that do not read cost no memory, are closed in time, and miss nothing in the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
import uuid
from pathlib import Path
from typing import Any

from tests.bench.processes import memory
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Head, Sleep, Step

from .client import Page, connect, headers, masked, read_frame, request
from .place import POSTGRES, Place
from .report import Finding

ANSWERS, STALLED, HEALTHY = 4, 200, 50
WINDOW = 1024 * 1024
ANSWER_BYTES = 4 * WINDOW - 200_000
SECONDS = 24.0
ACK_TIMEOUT = 10.0


def long_answer(size: int, seconds: float) -> list[Step]:
    """`size` bytes of plain text in so many seconds."""
    pieces = int(seconds * 60)
    line = "All work and no play makes for a long answer that nobody reads to its end. "
    text = (line * (size // pieces // len(line) + 1))[: size // pieces]
    steps: list[Step] = [Head(), wire.message_start(), wire.block_start()]
    for _ in range(pieces):
        steps += [wire.text_delta(text), Sleep(seconds / pieces)]
    return [*steps, wire.block_stop(), wire.message_end(output_tokens=pieces)]


async def prove(
    runs: int, seed: int, database: str, stalled: int = STALLED, healthy: int = HEALTHY,
    size: int = ANSWER_BYTES, seconds: float = SECONDS, ack_timeout: float = ACK_TIMEOUT,
) -> list[Finding]:  # fmt: skip
    """`runs` storms of `stalled` sockets on answers of `size` bytes in `seconds`, every third of them an event stream.
    One person may have them all here.
    """
    found = Finding("P7", database, "memory, closed in time, healthy p95 ≤2×, the slow one complete", seed)
    settings = {"CHATSITE_SOCKETS_PER_USER": str(stalled), "CHATSITE_SOCKET_ACK_TIMEOUT": str(ack_timeout)}
    with Place(database, servers=2 if database == POSTGRES else 1, **settings) as place:
        people = place.add_people(ANSWERS + healthy)
        for _ in range(runs):
            await _storm(place, people, stalled, size, seconds, ack_timeout, found)
            found.runs += 1
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _storm(
    place: Place,
    people: list[str],
    stalled: int,
    size: int,
    seconds: float,
    ack_timeout: float,
    found: Finding,
) -> None:
    server = place.servers[-1]
    writers, readers = people[:ANSWERS], people[ANSWERS:]
    quiet = await delays(place, readers, "load-150-20")
    # The answers themselves, read by nobody: what they cost is not counted.
    before = max(memory(one.pid) for one in place.servers)
    await _answers(place, writers, size, seconds)
    alone = max(memory(one.pid, "VmHWM") for one in place.servers)
    closing: list[asyncio.Task[float]] = []
    sends = asyncio.create_task(_answers(place, writers, size, seconds, stalled, closing, server.port))
    watching = asyncio.create_task(delays(place, readers, f"load-{int(seconds * 0.75 * 50)}-20"))
    sent = await sends
    busy = await watching
    peak = max(memory(one.pid, "VmHWM") for one in place.servers)
    found.most("MiB more than the answers", peak - alone, 64)
    found.most("p95 of healthy delays, times", busy / max(quiet, 0.02), 2)
    found.note(f"idle {before:.0f} MiB, answers alone {alone:.0f}, with stalled sockets {peak:.0f}")
    found.note(f"healthy p95 {quiet * 1000:.0f} → {busy * 1000:.0f} ms")
    # A socket counts as stalled once a mebibyte waits for its acknowledgement.
    fills = seconds * WINDOW / size
    ends = [await one for one in closing]
    found.check(len(ends) > 0, "no socket was stalled")
    for end in ends:
        found.check(end >= 0, "a stalled socket stayed open")
        found.most("s from a full window to its end", end - fills, ack_timeout + 5)
    session, body = sent[0]
    page = Page(server.port, session, body["conversation"]).open()
    shown = await page.ended(body["generation"], 60)
    _, stored = await request(server.port, "GET", f"/conversations/{body['conversation']}/messages/", session)
    found.check(
        stored["messages"][-1]["content"][0]["text"] == shown.whole, "the slow one did not resume complete"
    )
    await page.close()


async def _answers(
    place: Place, people: list[str], size: int, seconds: float, stalled: int = 0,
    closing: list[asyncio.Task[float]] | None = None, port: int = 0,
) -> list[tuple[str, dict[str, Any]]]:  # fmt: skip
    """Sends and waits for the ends; `stalled` sockets open on them at once and read nothing."""
    sent = []
    for session in people:
        mark = f"mark-{uuid.uuid4().hex}"
        place.upstream.answers[mark] = long_answer(size, seconds)
        fields = {"text": f"Go. {mark}", "client_id": str(uuid.uuid4())}
        status, body = await request(place.servers[0].port, "POST", "/conversations/", session, fields)
        assert status == 201, body
        sent.append((session, body))
    for number in range(stalled):
        session, body = sent[number % len(sent)]
        assert closing is not None
        # Half of them come late: then most of the answer is there at once.
        late = seconds * 0.7 if number % 2 else 0
        if number % 3 == 2:
            closing.append(asyncio.create_task(stall_stream(port, session, body, late)))
        else:
            closing.append(asyncio.create_task(stall(port, session, body, late, drip=number % 10 == 0)))
    for session, body in sent:
        path = f"/conversations/{body['conversation']}/messages/"
        while True:
            _, found = await request(place.servers[0].port, "GET", path, session)
            if found["messages"][-1]["status"] not in ("queued", "running"):
                break
            await asyncio.sleep(0.5)
    return sent


async def stall(port: int, session: str, sent: dict[str, Any], late: float, drip: bool) -> float:
    """Opens a socket, asks for everything and reads nothing (or a byte each second).

    Returns the seconds until it was closed, -1: never. A closed socket shows in /proc/net/tcp only: whoever does not
    read does not see it.
    """
    await asyncio.sleep(late)
    reader, writer = await connect(port, f"/ws/conversations/{sent['conversation']}/", session, buffer=1024)
    await read_frame(reader)
    writer.write(
        masked(1, json.dumps({"type": "resume", "generation": sent["generation"], "after": 0}).encode())
    )
    await writer.drain()
    return await _until_closed(writer, port, drip)


async def stall_stream(port: int, session: str, sent: dict[str, Any], late: float) -> float:
    """As `stall`, with Server-Sent Events."""
    await asyncio.sleep(late)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    path = f"/generations/{sent['generation']}/events/"
    writer.write(f"GET {path} HTTP/1.1\r\n{headers(port, session)}\r\n".encode())
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    return await _until_closed(writer, port, drip=False)


async def _until_closed(writer: asyncio.StreamWriter, port: int, drip: bool) -> float:
    plain = writer.get_extra_info("socket")
    writer.transport.pause_reading()
    began, local, remote = time.monotonic(), plain.getsockname()[1], port
    with contextlib.suppress(OSError):
        while time.monotonic() - began < 60:
            await asyncio.sleep(1)
            if drip:
                with contextlib.suppress(BlockingIOError):
                    os.read(plain.fileno(), 1)
            if not _is_established(remote, local):
                writer.transport.abort()
                return time.monotonic() - began
    writer.transport.abort()
    return -1.0


def _is_established(server: int, client: int) -> bool:
    """Whether the server's side of this connection is open (state 01 or 08 in /proc/net/tcp)."""
    want = (f":{server:04X}", f":{client:04X}")
    return any(entry[:2] == want for entry in _connections())


_cache: tuple[float, list[tuple[str, str]]] = (0.0, [])


def _connections() -> list[tuple[str, str]]:
    global _cache
    if time.monotonic() - _cache[0] > 0.3:
        found = []
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] in ("01", "08"):
                found.append((parts[1][-5:], parts[2][-5:]))
        _cache = (time.monotonic(), found)
    return _cache[1]


async def delays(place: Place, people: list[str], text: str) -> float:
    """The p95 of the time from the provider to a page, in seconds."""

    async def one(session: str, number: int) -> list[float]:
        server = place.servers[number % len(place.servers)]
        fields = {"text": text, "client_id": str(uuid.uuid4())}
        status, sent = await request(server.port, "POST", "/conversations/", session, fields)
        assert status == 201, sent
        page = Page(place.servers[-1].port, session, sent["conversation"]).open()
        shown = await page.ended(sent["generation"], 120)
        await page.close()
        return [
            at - float(when)
            for (at, _), piece in zip(shown.arrivals, shown.text, strict=False)
            for _, when in re.findall(r"(\d+) (\d+\.\d{6}) ", piece)
        ]

    delays = sorted(
        delay for found in await asyncio.gather(*(one(s, n) for n, s in enumerate(people))) for delay in found
    )
    return delays[int(len(delays) * 0.95)]

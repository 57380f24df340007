"""P8: sockets that flood cost no memory, are closed with 1008 or 1009 in time, and disturb nobody."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator

from .client import TEXT, close_code, connect, masked
from .place import POSTGRES, Place
from .report import Finding
from .slow import delays

MEBIBYTE = 1024 * 1024
HEALTHY = 10


def _small(total: int) -> Iterator[bytes]:
    frame = masked(TEXT, b'{"type":"ack","generation":"5eb1d929-7f78-460c-a2a5-54d8155116cd","seq":1}') * 500
    for _ in range(total // len(frame)):
        yield frame


def _large(total: int) -> Iterator[bytes]:
    yield masked(TEXT, b"x" * (64 * 1024)) * 16
    piece = b"x" * MEBIBYTE
    for _ in range(total // MEBIBYTE):
        yield piece


def _declared(total: int) -> Iterator[bytes]:
    """The head of one frame of 100 MB, then its bytes."""
    yield masked(TEXT, b"")[:1] + b"\xff" + (100 * MEBIBYTE).to_bytes(8) + b"\0\0\0\0"
    piece = b"x" * MEBIBYTE
    for _ in range(total // MEBIBYTE):
        yield piece


def _fragments(total: int) -> Iterator[bytes]:
    """One message in a million pieces of a byte."""
    yield masked(TEXT, b"x", fin=False)
    piece = masked(0, b"x", fin=False) * 10_000
    for _ in range(total // len(piece)):
        yield piece


def _empty(total: int) -> Iterator[bytes]:
    """One message in pieces that hold nothing."""
    yield masked(TEXT, b"", fin=False)
    piece = masked(0, b"", fin=False) * 10_000
    for _ in range(total // len(piece)):
        yield piece


def _pings(total: int) -> Iterator[bytes]:
    piece = masked(9, b"x" * 100) * 1000
    for _ in range(total // len(piece)):
        yield piece


def _pongs(total: int) -> Iterator[bytes]:
    piece = masked(10, b"") * 10_000
    for _ in range(total // len(piece)):
        yield piece


FLOODS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "small": _small, "large": _large, "declared": _declared, "fragments": _fragments, "empty": _empty,
    "pings": _pings, "pongs": _pongs,
}  # fmt: skip


async def prove(
    runs: int, seed: int, database: str, mebibytes: int = 200, watched: str = "load-900-20"
) -> list[Finding]:
    """`runs` floods of each kind, from a signed-in socket and from a connection that never becomes one."""
    found = Finding("P8", database, "closed 1008/1009 ≤2 s, healthy p95 ≤2×", seed)
    chance = random.Random(seed)
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        people = place.add_people(HEALTHY + 1)
        quiet = await delays(place, people[1:], "load-100-20")
        watching = asyncio.create_task(delays(place, people[1:], watched))
        await asyncio.sleep(1)
        for _ in range(runs):
            for name in chance.sample(list(FLOODS), len(FLOODS)):
                for session in (people[0], ""):
                    await _flood(place, session, name, mebibytes * MEBIBYTE, found)
            found.runs += 1
        busy = await watching
        found.most("p95 of healthy delays, times", busy / max(quiet, 0.02), 2)
        found.note(f"healthy p95 {quiet * 1000:.0f} → {busy * 1000:.0f} ms")
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _flood(place: Place, session: str, name: str, total: int, found: Finding) -> None:
    server = place.servers[-1]
    label = f"{name}, {'signed in' if session else 'anonymous'}"
    before = server.memory()
    peak = before
    began = time.monotonic()
    if session:
        reader, writer = await connect(server.port, "/ws/", session)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    ending = asyncio.create_task(close_code(reader, 20))
    sent = 0
    with contextlib.suppress(OSError):
        for piece in FLOODS[name](total):
            writer.write(piece)
            sent += len(piece)
            async with asyncio.timeout(20):
                await writer.drain()
            # Where there is always room to write, nobody would read: the close frame is lost once a write has failed.
            await asyncio.sleep(0)
            peak = max(peak, server.memory())
            if ending.done() or writer.is_closing():
                break
    code = await ending
    took = time.monotonic() - began
    peak = max(peak, server.memory())
    writer.transport.abort()
    found.most("MiB more", peak - before, 16)
    found.most("s until it was closed", took, 2)
    if session:
        found.check(code in (1008, 1009), f"{label}: closed with {code}")
        found.note(f"{label}: closed with {code} after {sent / MEBIBYTE:.1f} MiB")

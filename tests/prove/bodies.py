"""P9: bodies of a gigabyte are refused before they are held, however their length is told."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import time
from collections.abc import Callable, Iterator

from .client import BOUNDARY, CSRF, headers
from .place import POSTGRES, Place, Server
from .report import Finding

MEBIBYTE = 1024 * 1024
PIECE = b"a" * MEBIBYTE


def _told(total: int) -> tuple[str, Iterator[bytes]]:
    return f"Content-Length: {total}\r\nContent-Type: application/x-www-form-urlencoded", _pieces(total)


def _untold(total: int) -> tuple[str, Iterator[bytes]]:
    """Neither length nor chunks: the bytes that follow are no request."""
    return "Content-Type: application/x-www-form-urlencoded", _pieces(total)


def _too_small(total: int) -> tuple[str, Iterator[bytes]]:
    return "Content-Length: 10\r\nContent-Type: application/x-www-form-urlencoded", _pieces(total)


def _chunked(total: int) -> tuple[str, Iterator[bytes]]:
    chunks = (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in _pieces(total))
    return "Transfer-Encoding: chunked\r\nContent-Type: application/json", chunks


def _one_chunk(total: int) -> tuple[str, Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield b"%x\r\n" % total
        yield from _pieces(total)

    return "Transfer-Encoding: chunked\r\nContent-Type: application/json", pieces()


def _parts(total: int) -> tuple[str, Iterator[bytes]]:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'.encode() * 10_000
    count = max(1, total // len(part))
    head = f"Content-Length: {count * len(part)}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}"
    return head, (part for _ in range(count))


def _pieces(total: int) -> Iterator[bytes]:
    for _ in range(total // MEBIBYTE):
        yield PIECE


BODIES: dict[str, Callable[[int], tuple[str, Iterator[bytes]]]] = {
    "length told": _told, "no length": _untold, "length too small": _too_small, "chunked": _chunked,
    "one chunk": _one_chunk, "a million parts": _parts,
}  # fmt: skip
# Addresses with their limits in MiB.
PATHS = {"/conversations/": 2, "/attachments/": 32}


async def prove(runs: int, seed: int, database: str, mebibytes: int = 1024) -> list[Finding]:
    """`runs` rounds of every kind of body, signed in and not, to a form and to the uploads."""
    found = Finding("P9", database, "413/400, memory and disk within the limit, closed ≤2 s after it", seed)
    chance = random.Random(seed)
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        person = place.add_people(1)[0]
        for server in place.servers:
            await _send(place, server, person, "/conversations/", "length told", MEBIBYTE, found, warm=True)
        for _ in range(runs):
            for name in chance.sample(list(BODIES), len(BODIES)):
                ways = [(path, session) for path in PATHS for session in (person, "")]
                await asyncio.gather(
                    *(
                        _send(
                            place,
                            chance.choice(place.servers),
                            session,
                            path,
                            name,
                            mebibytes * MEBIBYTE,
                            found,
                        )
                        for path, session in ways
                    )
                )
            found.runs += 1
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _send(
    place: Place,
    server: Server,
    session: str,
    path: str,
    name: str,
    total: int,
    found: Finding,
    warm: bool = False,
) -> None:
    label = f"{name}, {path}, {'signed in' if session else 'anonymous'}"
    head, pieces = BODIES[name](total)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    fields = headers(server.port, session, X_CSRFToken=CSRF, Connection="close")
    writer.write(f"POST {path} HTTP/1.1\r\n{fields}{head}\r\n\r\n".encode())
    answer = asyncio.create_task(_read(reader))
    before, free, sent, limit_at = server.memory(), shutil.disk_usage(place.folder).free, 0, 0.0
    peak, disk = before, 0.0
    with contextlib.suppress(OSError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            if not limit_at and sent >= PATHS[path] * MEBIBYTE:
                limit_at = time.monotonic()
            peak = max(peak, server.memory())
            disk = max(disk, (free - shutil.disk_usage(place.folder).free) / MEBIBYTE)
            if writer.is_closing() or answer.done():
                break
    received = await answer
    took = time.monotonic() - (limit_at or time.monotonic())
    writer.transport.abort()
    if warm:
        return
    status = int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else 0
    # A request whose length is a lie is answered for what it says; the rest is no request and ends the connection.
    lie = name in ("no length", "length too small")
    # Its answer may be lost with the connection, which is reset while the client goes on.
    allowed = (400, 413) if not lie else (0, 400, 401, 403, 413, 302)
    found.check(status in allowed, f"{label}: answered {received[:60]!r} after {sent / MEBIBYTE:.0f} MiB")
    found.most("MiB more in memory", peak - before, 32)
    found.most("s from the limit to the end", took, 2)
    # Others write on this disk as well; an upload may hold its limit there for a moment.
    found.most("MiB more on disk", disk, 256)


async def _read(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(20):
            while data := await reader.read(65536):
                received = (received + data)[:4096]
    return received

"""P29, P30: a team on one server: nobody's input holds the others up, no lock is seen, a full disk is survived."""

from __future__ import annotations

import asyncio
import random
import resource
import time
import uuid

from .client import Page, connect, masked, read_frame, request
from .place import Place
from .report import Finding

PEOPLE = 50
NASTY = (
    "![" * 40_000, "http://" * 14_000, "**_" * 33_000, "[" * 99_000, "> " * 50_000, "`" * 99_999, "a\u0301" * 50_000,
    "x\u202e" * 50_000, "|a" * 40_000 + "\n|-", "- " * 50_000, "$$\\frac{" * 12_000, "<" * 99_000, "&#x" * 33_000,
)  # fmt: skip


async def prove(runs: int, seed: int, database: str, people: int = PEOPLE) -> list[Finding]:
    """`runs` rounds of 20 s or so: everybody sends and reads, some send the worst texts, the disk fills up once."""
    nine = Finding("P29", database, "loop lag p99 ≤50 ms, max ≤250 ms", seed)
    thirty = Finding("P30", database, "0 locked, commit p99 ≤100 ms, a full disk refuses and recovers", seed)
    chance = random.Random(seed)
    with Place(database) as place:
        sessions = place.add_people(people)
        for _ in range(runs):
            await _round(place, sessions, chance, nine, thirty)
            nine.runs += 1
            thirty.runs += 1
        complaints = place.complaints()
        thirty.check("locked" not in complaints, complaints)
        await _full_disk(place, sessions[0], thirty)
    return [nine, thirty]


async def _round(
    place: Place, people: list[str], chance: random.Random, nine: Finding, thirty: Finding
) -> None:
    server = place.servers[0]
    beating = asyncio.create_task(_beat(server.port, people[0]))
    commits: list[float] = []

    async def person(session: str, nasty: str) -> None:
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0, 3))
            text = nasty or "load-200-10"
            began = time.monotonic()
            fields = {"text": text, "client_id": str(uuid.uuid4())}
            status, sent = await request(server.port, "POST", "/conversations/", session, fields)
            commits.append(time.monotonic() - began)
            thirty.check(status == 201, f"a send was answered {status} {sent!r}")
            if status != 201:
                continue
            page = Page(server.port, session, sent["conversation"]).open()
            shown = await page.ended(sent["generation"], 60)
            await page.close()
            thirty.check(shown.stop is not None and shown.stop["status"] == "completed", f"{shown.stop}")
            status, _ = await request(server.port, "GET", f"/conversations/{sent['conversation']}/", session)
            nine.check(status == 200, f"a page was answered {status}")

    await asyncio.gather(
        *(
            person(one, chance.choice(NASTY) if number % 10 == 0 else "")
            for number, one in enumerate(people[1:])
        )
    )
    beating.cancel()
    lags = sorted(await beating)
    nine.check(server.is_alive(), "the server has ended")
    nine.most("p99 of the loop's lag, ms", lags[int(len(lags) * 0.99)] * 1000, 50)
    nine.most("longest lag, ms", lags[-1] * 1000, 250)
    commits.sort()
    thirty.most("p99 of a whole send, ms", commits[int(len(commits) * 0.99)] * 1000, 1000)
    thirty.note(f"sends: p50 {commits[len(commits) // 2] * 1000:.0f} ms, {len(commits)} in all")


async def _beat(port: int, session: str) -> list[float]:
    """Ten times a second a ping; how long its pong takes is the lag of the server's loop and of ours."""
    lags: list[float] = []
    reader, writer = await connect(port, "/ws/", session)
    try:
        while True:
            began = time.monotonic()
            writer.write(masked(9, b"?"))
            while (await read_frame(reader))[0] != 10:
                pass
            lags.append(time.monotonic() - began)
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return lags
    finally:
        writer.transport.abort()


async def _full_disk(place: Place, session: str, found: Finding) -> None:
    """No file of the server may grow any more; then it may again."""
    server = place.servers[0]
    if place.database != "sqlite":
        return
    fields = {"text": "Hello " * 2000, "client_id": str(uuid.uuid4())}
    status, before = await request(server.port, "POST", "/conversations/", session, fields)
    assert status == 201, before
    await asyncio.sleep(1)
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    refused = []
    for size in (20_000, 150_000) * 3:
        other = {"text": "x" * size, "client_id": str(uuid.uuid4())}
        status, body = await request(server.port, "POST", "/conversations/", session, other)
        refused.append((status, other))
        found.check(status >= 500, f"with a full disk a send was answered {status}")
        reason = isinstance(body, dict) and bool(body.get("error", {}).get("message"))
        found.check(reason, f"with a full disk a send was refused as {body!r}")
    status, _ = await request(
        server.port, "GET", f"/conversations/{before['conversation']}/messages/", session
    )
    found.check(status == 200, f"with a full disk a read was answered {status}")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
    for _, other in refused:
        status, body = await request(server.port, "POST", "/conversations/", session, other)
        found.check(status == 201, f"after the full disk a send was answered {status} {body!r}")

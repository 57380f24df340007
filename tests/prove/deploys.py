"""P12: SIGTERM in the middle of many answers, then a rolling restart, lose nothing; pages come back spread out."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import time
import uuid

from .client import Page, request
from .place import POSTGRES, Place, in_thread
from .report import Finding

CHATS = 50
# As the page does it after 1012 (static/js/models/connection.js).
SPREAD = 5.0
_PIECE = re.compile(r"(\d+) (\d+\.\d{6}) ")


async def prove(
    runs: int, seed: int, database: str, chats: int = CHATS, drain: float = 4, spread: float = SPREAD
) -> list[Finding]:
    """`runs` restarts of every server, one after the other; pages move to the other server where there is one."""
    found = Finding("P12", database, "0 lost, 0 doubled, drain ≤20 s, live again ≤10 s, spread ≥5 s", seed)
    chance = random.Random(seed)
    with Place(
        database, servers=2 if database == POSTGRES else 1, CHATSITE_DRAIN_SECONDS=str(drain)
    ) as place:
        people = place.add_people(chats)
        for _ in range(runs):
            for number in range(len(place.servers)):
                await _restart(place, people, number, random.Random(chance.random()), found, spread)
            found.runs += 1
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _restart(
    place: Place, people: list[str], number: int, chance: random.Random, found: Finding, spread: float
) -> None:
    server, other = place.servers[number], place.servers[number - 1]
    chats = []
    for session in people:
        # Some end while the server drains, some are cut.
        deltas = chance.choice((100, 2000))
        fields = {"text": f"load-{deltas}-20", "client_id": str(uuid.uuid4())}
        status, sent = await request(server.port, "POST", "/conversations/", session, fields)
        assert status == 201, sent
        page = Page(server.port, session, sent["conversation"], spread=spread).open()
        page.follow(sent["generation"])
        chats.append((session, sent, page, deltas))
    await asyncio.sleep(1)
    ended = server.kill(signal.SIGTERM)
    if other is not server:
        for _, _, page, _ in chats:
            page.port = page.site = other.port
    late = {"text": "Hello", "client_id": str(uuid.uuid4())}
    status = 0
    with contextlib.suppress(OSError):
        status, _ = await request(server.port, "POST", "/conversations/", people[0], late)
    # Before the signal has arrived a send is taken as always, and then kept as any other.
    found.check(status in (0, 201, 503), f"a draining server answered a send with {status}")
    found.most("s to drain", await in_thread(server.gone), 20)
    await in_thread(place.start, server)
    # Whoever was cut sees the end; whoever was connected comes back.
    for session, sent, page, deltas in chats:
        shown = await page.ended(sent["generation"], 30)
        _, body = await request(
            other.port, "GET", f"/conversations/{sent['conversation']}/messages/", session
        )
        answer = body["messages"][-1]
        stored = "".join(block.get("text", "") for block in answer["content"])
        found.check(stored == shown.whole, f"stored …{stored[-30:]!r}, shown …{shown.whole[-30:]!r}")
        numbers = [int(one) for one, _ in _PIECE.findall(stored)]
        found.check(numbers == list(range(len(numbers))), "text was lost or doubled")
        expected = "completed" if deltas == 100 else "interrupted"
        found.check(answer["status"] == expected, f"{deltas} deltas ended as {answer['status']}")
        found.check(shown.stops == 1, f"{shown.stops} message_stop")
    back = []
    for _, _, page, _ in chats:
        await page.opened(30)
        again = [at for at in page.connected if at > ended]
        found.check(bool(again), "a page did not come back")
        back += again[-1:]
        code = next((code for code in page.codes if code), 0)
        found.check(code == 1012, f"a page was closed with {page.codes}")
    found.most("s until all pages were live again", max(back) - max(server.booted, ended), 10)
    if len(back) > 20:
        found.check(max(back) - min(back) > spread / 2, f"all came back within {max(back) - min(back):.1f} s")
    for _, _, page, _ in chats:
        await page.close()
    found.note(
        f"restart took {time.time() - ended:.1f} s, pages came back within {max(back) - min(back):.1f} s"
    )

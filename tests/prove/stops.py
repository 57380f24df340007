"""P6: a stop at a random time closes the provider's connection within a second; stored is what was shown."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid

from .client import Page, request
from .place import POSTGRES, Place
from .report import Finding

AT_ONCE = 5


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` stops, by button (HTTP), by the tab's socket, or by another tab, which may be on the other server."""
    found = Finding("P6", database, "provider closed ≤1 s, stored = shown, nothing after", seed)
    chance = random.Random(seed)
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        people = place.add_people(AT_ONCE)
        while found.runs < runs:
            await asyncio.gather(
                *(_one(place, session, random.Random(chance.random()), found) for session in people)
            )
            found.runs += len(people)
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _one(place: Place, session: str, chance: random.Random, found: Finding) -> None:
    own, other = place.servers[0], place.servers[-1]
    mark = f"mark-{uuid.uuid4().hex}"
    fields = {"text": f"load-3000-5 {mark}", "client_id": str(uuid.uuid4())}
    status, sent = await request(own.port, "POST", "/conversations/", session, fields)
    assert status == 201, sent
    page = Page(own.port, session, sent["conversation"]).open()
    tab = Page(other.port, session, sent["conversation"]).open()
    generation = sent["generation"]
    try:
        page.follow(generation), tab.follow(generation)
        # Also before the first word, and before the provider was asked.
        await asyncio.sleep(chance.choice((0, 0.02, chance.uniform(0, 1.5))))
        way = chance.choice(("button", "button of another tab", "socket", "socket of another tab"))
        stopped = time.time()
        if "button" in way:
            port = other.port if "another" in way else own.port
            answered, _ = await request(port, "POST", f"/generations/{generation}/stop/", session, {})
            found.check(answered == 202, f"stop was answered {answered}")
        else:
            tab_or_page = tab if "another" in way else page
            await tab_or_page.opened(10)
            stopped = time.time()
            tab_or_page.send({"type": "stop", "generation": generation})
        shown = [await page.ended(generation, 15), await tab.ended(generation, 15)]
        calls = place.upstream.asked(mark)
        found.check(len(calls) <= 1, f"{way}: the provider was asked {len(calls)} times")
        for call in calls:
            closed = await call.ended(5)
            found.check(closed and call.client_left, f"{way}: the provider's connection was not closed")
            found.most("s until the provider's connection is closed", call.closed_at - stopped, 1)
        texts = [one.whole for one in shown]
        await asyncio.sleep(0.2)
        _, body = await request(
            other.port, "GET", f"/conversations/{sent['conversation']}/messages/", session
        )
        answer = body["messages"][-1]
        stored = "".join(block.get("text", "") for block in answer["content"])
        found.check(answer["status"] == "stopped", f"{way}: the answer ended as {answer['status']}")
        found.check(
            [stored] * 2 == texts, f"{way}: stored …{stored[-40:]!r}, shown {[one[-40:] for one in texts]}"
        )
        found.check([one.whole for one in shown] == texts, f"{way}: text came after the stop")
        found.check([one.stops for one in shown] == [1, 1], f"{way}: more than one message_stop")
        numbers = [int(number) for number in re.findall(r"(\d+) \d+\.\d{6}", stored)]
        found.check(numbers == list(range(len(numbers))), f"{way}: there are holes in what is stored")
    except TimeoutError:
        found.fail(f"no end came ({way})")
    finally:
        await page.close()
        await tab.close()

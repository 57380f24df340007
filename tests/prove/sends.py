"""P4 and P5: equal sends make one message, and a branch has one answer at a time, however many ask at once."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any

from .client import request
from .place import POSTGRES, Place
from .report import Finding

PEOPLE = 10


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` sends of each kind: repeated 2 to 20 times at once over all servers, and raced with others."""
    four = Finding("P4", database, "1 row, 1 call, the first ids; changed body 409", seed)
    five = Finding("P5", database, "1 generation each, the loser hears busy", seed)
    chance = random.Random(seed)
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        people = place.add_people(PEOPLE)
        while four.runs < runs:
            await asyncio.gather(
                *(_equal(place, one, random.Random(chance.random()), four) for one in people)
            )
            await asyncio.gather(*(_race(place, one, random.Random(chance.random()), five) for one in people))
            four.runs += PEOPLE
            five.runs += PEOPLE
        for finding in (four, five):
            finding.check(not place.complaints(), place.complaints())
    return [four, five]


def _port(place: Place, number: int) -> int:
    return place.servers[number % len(place.servers)].port


async def _equal(place: Place, session: str, chance: random.Random, found: Finding) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    fields = {"text": f"Hello {mark}", "client_id": str(uuid.uuid4())}
    times = chance.randint(2, 20)
    answers = await asyncio.gather(
        *(request(_port(place, n), "POST", "/conversations/", session, fields) for n in range(times))
    )
    statuses = sorted(status for status, _ in answers)
    found.check(statuses == [200] * (times - 1) + [201], f"{times} equal sends were answered {statuses}")
    found.check(all(body == answers[0][1] for _, body in answers), "equal sends got different ids")
    status, body = await request(
        _port(place, 1), "POST", "/conversations/", session, {**fields, "text": "Other"}
    )
    reused = status == 409 and body["error"]["type"] == "client_id_reused"
    found.check(reused, f"another body under the same id was answered {status} {body!r}")
    rows = place.rows(
        f"SELECT count(*) FROM conversations_message WHERE CAST(content AS text) LIKE '%{mark}%'"
    )
    found.check(rows[0][0] == 1, f"{mark} is stored {rows[0][0]} times")
    await _until_over(place, session, answers[0][1]["conversation"])
    found.check(
        len(place.upstream.asked(mark)) == 1, f"{mark} was asked {len(place.upstream.asked(mark))} times"
    )


async def _race(place: Place, session: str, chance: random.Random, found: Finding) -> None:
    """Two different writes on one branch in the same moment."""
    fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
    status, sent = await request(_port(place, 0), "POST", "/conversations/", session, fields)
    assert status == 201, sent
    messages = f"/conversations/{sent['conversation']}/messages/"
    await _until_over(place, session, sent["conversation"])
    before = await _count(place, sent["conversation"])

    def act() -> tuple[str, dict[str, Any]]:
        new = {"client_id": str(uuid.uuid4())}
        match chance.choice(("send", "send", "regenerate", "edit")):
            case "regenerate":
                return f"{messages}{sent['reply']}/regenerate/", new
            case "edit":
                return f"{messages}{sent['message']}/edit/", {**new, "text": "load-40-30 edited"}
            case _:
                return messages, {**new, "text": "load-40-30 more", "parent": sent["reply"]}

    # Answers outlast both sends, also on a busy machine.
    first = (messages, {"client_id": str(uuid.uuid4()), "text": "load-40-30 first", "parent": sent["reply"]})
    racers = [first, act()]
    sends = all(path == messages for path, _ in racers)
    answers = await asyncio.gather(
        *(request(_port(place, n), "POST", path, session, fields) for n, (path, fields) in enumerate(racers))
    )
    statuses = sorted(status for status, _ in answers)
    # An edit or another answer stands beside the first branch; whether it is refused depends on who came first.
    allowed = [[201, 409]] if sends else [[201, 409], [201, 201]]
    found.check(statuses in allowed, f"{[path for path, _ in racers]} were answered {answers}")
    for status, body in answers:
        if status == 409:
            found.check(body["error"]["type"] == "busy", f"the loser heard {body!r}")
    made = await _count(place, sent["conversation"]) - before
    found.check(made == statuses.count(201), f"{made} generations for {statuses}")
    await _until_over(place, session, sent["conversation"])


async def _count(place: Place, conversation: str) -> int:
    key = conversation if place.database == POSTGRES else conversation.replace("-", "")
    return int(
        place.rows(f"SELECT count(*) FROM conversations_generation WHERE conversation_id = '{key}'")[0][0]
    )


async def _until_over(place: Place, session: str, conversation: str) -> None:
    key = conversation if place.database == POSTGRES else conversation.replace("-", "")
    query = (
        f"SELECT count(*) FROM conversations_generation WHERE conversation_id = '{key}' "
        "AND status IN ('queued', 'running')"
    )
    async with asyncio.timeout(30):
        while place.rows(query)[0][0]:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)

"""P13: whose right ends is cut off within five seconds, at every process: sockets, streams and what they ask for."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from typing import Any

from .client import close_code, connect, headers, read_frame, request
from .place import POSTGRES, Place
from .report import Finding

AT_ONCE = 5
SECONDS = 5
ACTS = ("deactivate", "sign-out", "remove", "share", "delete")


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` guests in a conversation that is being answered lose their right, by an act at the other server."""
    found = Finding("P13", database, f"all cut ≤{SECONDS} s, nothing to be had after", seed)
    chance = random.Random(seed)
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        owner, *guests, administrator = place.add_people(runs + 1, administrators=1)
        names = [f"person-{number}" for number in range(1, runs + 1)]
        todo = [(chance.choice(ACTS), *one) for one in zip(guests, names, strict=True)]
        for first in range(0, runs, AT_ONCE):
            turn = todo[first : first + AT_ONCE]
            await asyncio.gather(*(_one(place, owner, administrator, *one, found) for one in turn))
            found.runs += len(turn)
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _one(
    place: Place, owner: str, administrator: str, act: str, guest: str, name: str, found: Finding
) -> None:
    own, other = place.servers[0].port, place.servers[-1].port
    body = {"text": "load-2000-10", "client_id": str(uuid.uuid4())}
    status, sent = await request(own, "POST", "/conversations/", owner, body)
    assert status == 201, sent
    conversation = f"/conversations/{sent['conversation']}/"
    status, shared = await request(
        own, "POST", f"{conversation}people/", owner, {"who": name, "role": "writer"}
    )
    assert status == 201, shared
    page, page_writer = await connect(own, f"/ws{conversation}", guest)
    news, news_writer = await connect(own, "/ws/", guest)
    stream, stream_writer = await asyncio.open_connection("127.0.0.1", own)
    path = f"/generations/{sent['generation']}/events/?after=0"
    fields = headers(own, guest, Accept="text/event-stream", Connection="close")
    stream_writer.write(f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode())
    # All three are open.
    await read_frame(page)
    await stream.readuntil(b"message_start")
    ends = [asyncio.create_task(_code_of(page)), asyncio.create_task(_end_of(stream))]
    if act not in ("share", "delete"):
        ends.append(asyncio.create_task(_code_of(news)))
    try:
        at = time.monotonic()
        await _take(place, other, act, owner, administrator, name, conversation, shared["participant"])
        done, late = await asyncio.wait(ends, timeout=4 * SECONDS)
        found.check(not late, f"{act}: {len(late)} of {len(ends)} stayed open")
        found.most(f"s until all are cut ({act})", max(one.result()[0] for one in done) - at, SECONDS)
        codes = {one.result()[1] for one in done} - {None}
        code = 4404 if act in ("share", "delete") else 4401
        found.check(codes == {code}, f"{act}: closed with {codes}")
        for server in (own, other):
            status, _ = await request(server, "GET", f"{conversation}messages/", guest)
            found.check(status in (401, 403, 404), f"{act}: afterwards the messages were answered {status}")
    finally:
        for task in ends:
            task.cancel()
        for writer in (page_writer, news_writer, stream_writer):
            writer.transport.abort()


async def _take(
    place: Place,
    port: int,
    act: str,
    owner: str,
    administrator: str,
    name: str,
    conversation: str,
    participant: int,
) -> None:
    """The right ends; returns when the server has said so."""
    person = place.rows(f"SELECT id FROM conversations_user WHERE username = '{name}'")[0][0]
    way: dict[str, tuple[str, str, dict[str, Any]]] = {
        "share": (owner, f"{conversation}people/{participant}/remove/", {}),
        "delete": (owner, f"{conversation}delete/", {}),
        "remove": (administrator, f"/people/{person}/remove/", {"keep": "nothing", "confirm": name}),
    }
    session, path, fields = way.get(act, (administrator, f"/people/{person}/act/", {"act": act}))
    status, body = await request(port, "POST", path, session, fields)
    assert status == 200, (act, status, body)


async def _code_of(reader: asyncio.StreamReader) -> tuple[float, int | None]:
    """When the socket was closed, and with which code."""
    code = await close_code(reader, 4 * SECONDS)
    return time.monotonic(), code


async def _end_of(stream: asyncio.StreamReader) -> tuple[float, int | None]:
    with contextlib.suppress(ConnectionError):
        while await stream.read(65536):
            pass
    return time.monotonic(), None

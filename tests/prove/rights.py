"""P13: whose right ends is cut off within five seconds, at every process: sockets, streams and what they ask for. An
administrator ends the sessions or the account, an owner the share or the conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

from .client import close_code, connect, headers, read_frame, request
from .place import POSTGRES, Place
from .report import Finding

AT_ONCE = 5
SECONDS = 5
ACTS = ("deactivate", "sign-out", "remove", "share", "delete")


@dataclass
class Case:
    """One guest, whose right ends by one act."""

    act: str
    guest: str
    """Their session."""
    name: str
    owner: str
    administrator: str
    conversation: str = ""
    """Its path."""
    participant: int = 0
    person: int = 0

    async def take(self, port: int) -> None:
        """The right ends; returns when the server has said so."""
        ways: dict[str, tuple[str, str, dict[str, Any]]] = {
            "share": (self.owner, f"{self.conversation}people/{self.participant}/remove/", {}),
            "delete": (self.owner, f"{self.conversation}delete/", {}),
            "remove": (
                self.administrator, f"/people/{self.person}/remove/", {"keep": "nothing", "confirm": self.name}
            ),
        }  # fmt: skip
        own = (self.administrator, f"/people/{self.person}/act/", {"act": self.act})
        session, path, fields = ways.get(self.act, own)
        status, body = await request(port, "POST", path, session, fields)
        assert status == 200, (self.act, status, body)


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` guests in a conversation that is being answered lose their right, by an act at the other server."""
    found = Finding("P13", database, f"all cut ≤{SECONDS} s, nothing to be had after", seed)
    acts = random.Random(seed).sample(ACTS, len(ACTS))
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        owner, *guests, administrator = place.add_people(runs + 1, administrators=1)
        cases = [
            Case(acts[number % len(acts)], guest, f"person-{number + 1}", owner, administrator)
            for number, guest in enumerate(guests)
        ]
        for first in range(0, runs, AT_ONCE):
            await asyncio.gather(*(_one(place, case, found) for case in cases[first : first + AT_ONCE]))
        found.runs = runs
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _one(place: Place, case: Case, found: Finding) -> None:
    own, other = place.servers[0].port, place.servers[-1].port
    body = {"text": "load-2000-10", "client_id": str(uuid.uuid4())}
    status, sent = await request(own, "POST", "/conversations/", case.owner, body)
    assert status == 201, sent
    case.conversation = f"/conversations/{sent['conversation']}/"
    invited = {"who": case.name, "role": "writer"}
    status, shared = await request(own, "POST", f"{case.conversation}people/", case.owner, invited)
    assert status == 201, shared
    case.participant = shared["participant"]
    case.person = place.rows(f"SELECT id FROM conversations_user WHERE username = '{case.name}'")[0][0]
    page, page_writer = await connect(own, f"/ws{case.conversation}", case.guest)
    news, news_writer = await connect(own, "/ws/", case.guest)
    stream, stream_writer = await asyncio.open_connection("127.0.0.1", own)
    path = f"/generations/{sent['generation']}/events/?after=0"
    fields = headers(own, case.guest, Accept="text/event-stream", Connection="close")
    stream_writer.write(f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode())
    # All three are open.
    await read_frame(page)
    await stream.readuntil(b"message_start")
    keeps_account = case.act in ("share", "delete")
    ends = [asyncio.create_task(_code_of(page)), asyncio.create_task(_end_of(stream))]
    if not keeps_account:
        ends.append(asyncio.create_task(_code_of(news)))
    try:
        at = time.monotonic()
        await case.take(other)
        done, late = await asyncio.wait(ends, timeout=4 * SECONDS)
        found.check(not late, f"{case.act}: {len(late)} of {len(ends)} stayed open")
        took = max((one.result()[0] for one in done), default=time.monotonic()) - at
        found.most(f"s until all are cut ({case.act})", took, SECONDS)
        codes = {one.result()[1] for one in done} - {None}
        found.check(codes == {4404 if keeps_account else 4401}, f"{case.act}: closed with {codes}")
        for server in (own, other):
            status, _ = await request(server, "GET", f"{case.conversation}messages/", case.guest)
            found.check(
                status in (401, 403, 404), f"{case.act}: afterwards the messages were answered {status}"
            )
    finally:
        for task in ends:
            task.cancel()
        for writer in (page_writer, news_writer, stream_writer):
            writer.transport.abort()


async def _code_of(reader: asyncio.StreamReader) -> tuple[float, int | None]:
    """When the socket was closed, and with which code."""
    code = await close_code(reader, 4 * SECONDS)
    return time.monotonic(), code


async def _end_of(stream: asyncio.StreamReader) -> tuple[float, int | None]:
    with contextlib.suppress(ConnectionError):
        while await stream.read(65536):
            pass
    return time.monotonic(), None

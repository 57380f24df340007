"""P1, P2, P4: servers are killed with -9 at named points and at random, then acknowledgements, database and the
provider's ledger are compared.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .client import Page, request
from .crashing import POINTS
from .place import POSTGRES, Place, Server, in_thread
from .report import Finding
from .upstream import MARK

DELTAS, MILLISECONDS = 250, 10
_PIECE = re.compile(r"(\d+) (\d+\.\d{6}) ")
_ENDED = ("completed", "stopped", "failed", "interrupted")


@dataclass
class Send:
    """One message as its person knows it. `ids` is the acknowledgement."""

    session: str
    path: str
    fields: dict[str, Any]
    mark: str
    ids: dict[str, Any] = field(default_factory=dict)
    acked: float = 0.0
    page: Page | None = None


class Kills:
    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.random = random.Random(seed)
        self.one = Finding("P1", place.database, "0 lost, 0 doubled", seed)
        self.two = Finding(
            "P2", place.database, "exact prefix, tail ≤0.5 s, interrupted ≤5 s after boot", seed
        )
        self.sends: list[Send] = []
        self.label = ""
        self.interrupted = 0
        self.crashed: dict[str, int] = {}

    async def cycle(self, number: int) -> None:
        """People send, a server dies, it starts again, everything is compared."""
        crash = self.random.choice(POINTS) if self.random.random() < 0.6 else ""
        victim = self.random.choice(self.place.servers)
        self.label = f"cycle {number} ({crash or 'at random'})"
        if crash:
            self.place.arm(victim, crash, self.random.randint(1, 4))
        self.sends = []
        people = [asyncio.create_task(self._person(session)) for session in self.place.people]
        if crash:
            # It lives until its point; one that never comes by is killed like all others.
            at = await in_thread(victim.died, 3)
            if at:
                self.crashed[crash] = self.crashed.get(crash, 0) + 1
            else:
                at = victim.kill()
        else:
            await asyncio.sleep(self.random.uniform(0.05, 1.6))
            at = victim.kill()
        await in_thread(victim.gone)
        for person in people:
            person.cancel()
        await asyncio.gather(*people, return_exceptions=True)
        await in_thread(self.place.start, victim)
        await self._ended_in_time(victim)
        await self._compare(at)
        for send in self.sends:
            if send.page is not None:
                await send.page.close()
        self.one.runs += 1
        self.two.runs += 1

    def server_for(self, session: str) -> Server:
        """Where a proxy would send this person now."""
        alive = [server for server in self.place.servers if server.is_alive()]
        own = self.place.servers[self.place.people.index(session) % len(self.place.servers)]
        return own if own in alive or not alive else alive[0]

    async def _person(self, session: str) -> None:
        conversation = ""
        while True:
            mark = f"mark-{uuid.uuid4().hex}"
            path = f"/conversations/{conversation}/messages/" if conversation else "/conversations/"
            deltas = self.random.choice((2, 20, DELTAS))
            text = f"load-{deltas}-{MILLISECONDS} {mark}"
            send = Send(session, path, {"text": text, "client_id": str(uuid.uuid4())}, mark)
            self.sends.append(send)
            server = self.server_for(session)
            if not await self._post(send, server):
                return
            if conversation == "":
                conversation = send.ids["conversation"]
            send.page = Page(server.port, session, conversation).open()
            if deltas == DELTAS and self.random.random() < 0.6:
                conversation = ""
                await asyncio.sleep(self.random.uniform(0, 0.3))
            else:
                await send.page.ended(send.ids["generation"])

    async def _post(self, send: Send, server: Server) -> bool:
        """True when it is acknowledged; what it says must stay true."""
        try:
            status, body = await request(server.port, "POST", send.path, send.session, send.fields)
        except (OSError, TimeoutError):
            return False
        if status == 503:
            return False
        self.one.check(status in (200, 201), f"{self.label}: a send was answered {status} {body!r}")
        if status not in (200, 201):
            return False
        if send.ids:
            same = all(send.ids.get(name) == value for name, value in body.items())
            self.one.check(same, f"{self.label}: the repetition of {send.mark} got other ids")
        send.ids, send.acked = {**body, **send.ids}, send.acked or time.time()
        return True

    async def _ended_in_time(self, victim: Server) -> None:
        """No answer of the dead server is live 5 s after it answers again."""
        deadline = victim.booted + 5
        while True:
            live = [mark for mark, answer in self._answers().items() if answer["status"] not in _ENDED]
            mine = [send for send in self.sends if send.mark in live and self._belonged_to(send, victim)]
            self.two.most("s until interrupted", max(0.0, time.time() - victim.booted), 5)
            if not mine:
                return
            if time.time() > deadline:
                self.two.fail(f"{self.label}: {len(mine)} answers still live 5 s after boot")
                return
            await asyncio.sleep(0.05)

    def _belonged_to(self, send: Send, victim: Server) -> bool:
        own = self.place.servers[self.place.people.index(send.session) % len(self.place.servers)]
        return len(self.place.servers) == 1 or own is victim

    def _answers(self) -> dict[str, dict[str, Any]]:
        """The stored answer of each mark."""
        found = {}
        for content, status, reply in self.place.rows(
            "SELECT u.content, g.status, m.content FROM conversations_generation g "
            "JOIN conversations_message m ON m.id = g.message_id JOIN conversations_message u ON u.id = m.parent_id"
        ):
            mark = MARK.search(str(content))
            if mark:
                blocks = reply if isinstance(reply, list) else _json(reply)
                found[mark[0]] = {
                    "status": status,
                    "text": "".join(block.get("text", "") for block in blocks),
                }
        return found

    async def _compare(self, at: float) -> None:
        before = self._answers()
        self._check_ledger(before)
        unanswered = [send for send in self.sends if not send.ids]
        # A browser repeats what was not acknowledged, and some of what was.
        for send in unanswered + self.random.sample(self.sends, min(2, len(self.sends))):
            done = await self._post(send, self.server_for(send.session))
            self.one.check(done, f"{self.label}: {send.mark} cannot be repeated")
        stored = self._marks()
        calls = {send.mark: self.place.upstream.asked(send.mark) for send in self.sends}
        for send in self.sends:
            count = stored.get(send.mark, 0)
            if count != 1:
                self.one.fail(
                    f"{self.label}: {send.mark} is stored {count} times (acked: {bool(send.acked)})"
                )
            # One that was stored but never asked about stays unasked; none is asked about twice.
            if len(calls[send.mark]) > 1:
                self.one.fail(f"{self.label}: {send.mark} was asked {len(calls[send.mark])} times")
        for send in self.sends:
            if send.mark in before and send not in unanswered:
                self._check_text(send, before[send.mark], calls[send.mark], at)
        await self._continue(before)
        for send in self.sends:
            if send.ids:
                await request(
                    self.server_for(send.session).port, "POST", f"/generations/{send.ids['generation']}/stop/",
                    send.session, {},
                )  # fmt: skip

    def _check_ledger(self, answers: dict[str, dict[str, Any]]) -> None:
        """An answer that has ended is one row, by whoever and however it was ended."""
        rows = self.place.rows(
            "SELECT CAST(u.content AS text), count(*) FROM conversations_usagerecord r "
            "JOIN conversations_generation g ON g.id = r.generation_id "
            "JOIN conversations_message m ON m.id = g.message_id JOIN conversations_message u ON u.id = m.parent_id "
            "WHERE r.purpose = 'chat' GROUP BY g.id, u.id"
        )
        booked = {mark[0]: count for content, count in rows if (mark := MARK.search(content))}
        for send in self.sends:
            if answers.get(send.mark, {}).get("status") in _ENDED:
                count = booked.get(send.mark, 0)
                self.one.check(count == 1, f"{self.label}: {send.mark} is {count} rows of the ledger")

    def _check_text(self, send: Send, answer: dict[str, Any], calls: list[Any], at: float) -> None:
        text, end = answer["text"], 0
        numbers: list[int] = []
        last = 0.0
        for piece in _PIECE.finditer(text):
            numbers.append(int(piece[1]))
            last, end = float(piece[2]), piece.end()
        exact = numbers == list(range(len(numbers))) and end == len(text)
        self.two.check(exact, f"{self.label}: {send.mark} is no prefix: …{text[-60:]!r}")
        if send.page is not None:
            shown = send.page.shown.get(send.ids["generation"])
            if shown is not None:
                whole = shown.whole
                agree = whole.startswith(text) or text.startswith(whole)
                self.two.check(agree, f"{self.label}: {send.mark} is stored otherwise than shown")
        if answer["status"] != "interrupted" or not calls:
            return
        self.interrupted += 1
        asked = calls[0].received_at
        # The first words need a moment to come at all; after that no more than half a second may be missing.
        tail = at - max(last, asked)
        if self._belonged_to(send, self.place.servers[0]) or len(self.place.servers) > 1:
            self.two.most("s of text missing", tail, 0.5)

    async def _continue(self, before: dict[str, dict[str, Any]]) -> None:
        for send in self.sends:
            answer = before.get(send.mark, {})
            if send.ids and answer.get("status") == "interrupted" and answer["text"]:
                place = send.ids.get("conversation") or send.path.split("/")[2]
                path = f"/conversations/{place}/messages/{send.ids['reply']}/continue/"
                fields = {"client_id": str(uuid.uuid4())}
                status, body = await request(
                    self.server_for(send.session).port, "POST", path, send.session, fields
                )
                # In a conversation that goes on already, its newer branch may be busy.
                self.two.check(status in (201, 409), f"{self.label}: Continue was answered {status} {body!r}")
                if status == 201:
                    stop = f"/generations/{body['generation']}/stop/"
                    await request(self.server_for(send.session).port, "POST", stop, send.session, {})
                return

    def _marks(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for (content,) in self.place.rows("SELECT content FROM conversations_message WHERE role = 'user'"):
            mark = MARK.search(str(content))
            if mark:
                found[mark[0]] = found.get(mark[0], 0) + 1
        return found


def _json(text: str) -> Any:
    import json

    return json.loads(text)


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` kills."""
    with Place(database, servers=2 if database == POSTGRES else 1) as place:
        place.add_people(6)
        kills = Kills(place, seed)
        for number in range(runs):
            await kills.cycle(number)
        kills.one.check(not place.complaints(), place.complaints())
        return [kills.one, kills.two]

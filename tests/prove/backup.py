"""P27: a backup that is taken while people write is one moment of the site, and what is restored from it works."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import sqlite3
import statistics
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.running_site import RunningSite, manage
from tests.services import new_database

from .client import CSRF, request
from .place import POSTGRES, Place, in_thread
from .report import Finding

WRITERS = 6
# A conversation with its answer and title costs as much as many renames, a file even more.
_SEND, _FILE = 0.08, 0.01
# Writing goes on for so long before the backup and after it.
_QUIET = 1.0
_TITLES = "SELECT id, title FROM conversations_conversation"
_TURNS = "SELECT CAST(content AS text) FROM conversations_message WHERE role = 'user'"
_ORPHANS = (
    "SELECT count(*) FROM conversations_message WHERE role = 'assistant' AND id NOT IN "
    "(SELECT message_id FROM conversations_generation)"
)
_STORED = "SELECT file, sha256 FROM conversations_storedfile WHERE complete"


@dataclass
class Writer:
    """One person who writes one thing after the other: renames, new conversations, files. Each write has a number."""

    port: int
    session: str
    chance: random.Random
    conversation: str = ""
    """The one that is renamed."""
    number: int = 0
    sent: list[int] = field(default_factory=list)
    renamed: list[int] = field(default_factory=list)
    acknowledged: list[tuple[float, int]] = field(default_factory=list)
    files: list[tuple[float, str, bytes]] = field(default_factory=list)
    """(when acknowledged, address, bytes) of files that were sent."""
    stopping: bool = False
    has_written: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self) -> None:
        """Until `stopping` is set; never ends in the middle of a write."""
        self.stopping = False
        while not self.stopping:
            self.number += 1
            draw = self.chance.random()
            if not self.conversation:
                self.conversation = (await self._send())["conversation"]
            elif draw < _FILE:
                content = f"The text of {uuid.uuid4()}.".encode()
                uploaded = await _upload(self.port, self.session, content)
                await self._send(attachments=[uploaded["id"]])
                self.files.append((time.time(), uploaded["url"], content))
            elif draw < _SEND:
                await self._send()
            else:
                self.renamed.append(self.number)
                path = f"/conversations/{self.conversation}/rename/"
                await _posted(self, path, {"title": f"number {self.number}"}, 200)
            self.acknowledged.append((time.time(), self.number))
            self.has_written.set()

    def upto(self, when: float) -> int:
        """The last number that was acknowledged by then."""
        return max((number for at, number in self.acknowledged if at <= when), default=0)

    def words(self, number: int) -> str:
        return f"{self.session[:12]} number {number}."

    async def _send(self, **more: Any) -> dict[str, Any]:
        self.sent.append(self.number)
        fields = {"text": self.words(self.number), "client_id": str(uuid.uuid4()), **more}
        return await _posted(self, "/conversations/", fields, 201)


async def _posted(one: Writer, path: str, fields: dict[str, Any], expected: int) -> dict[str, Any]:
    status, body = await request(one.port, "POST", path, one.session, fields)
    assert status == expected, body
    return dict(body)


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` backups of one site, each restored into an empty place and started."""
    found = Finding(
        "P27", database, "every copy is whole, of one moment, and answers; ≥50 writes a second", seed
    )
    chance = random.Random(seed)
    with Place(database) as place:
        sessions = place.add_people(WRITERS)
        people = [Writer(place.servers[0].port, one, random.Random(chance.random())) for one in sessions]
        pauses: list[float] = []
        for number in range(runs):
            copy = place.folder / f"copy-{number}"
            writing = [asyncio.create_task(one.write()) for one in people]
            await asyncio.sleep(_QUIET)
            async with asyncio.timeout(60):
                for one in people:
                    await one.has_written.wait()
            begun = time.time()
            done = await in_thread(_manage, place, "data", "backup", f"{copy}.tar")
            ended = time.time()
            await asyncio.sleep(_QUIET)
            for one in people:
                one.stopping = True
            await asyncio.gather(*writing)
            found.check(done.returncode == 0, f"backup said {done.stdout}{done.stderr}")
            writes = sum(begun <= at <= ended for one in people for at, _ in one.acknowledged)
            pauses.append(1000 * (ended - begun) / max(1, writes))
            await _restored(place, copy, people, begun, found)
            found.runs += 1
        found.most("ms between two writes, in the median run", statistics.median(pauses), 20)
        found.note(f"from {1000 / max(pauses):.0f} to {1000 / min(pauses):.0f} writes a second")
        found.check(not place.complaints(), place.complaints())
    return [found]


def _manage(place: Place, data: str, *arguments: str, **variables: str) -> Any:
    given = {name: value for name, value in place.environment.items() if name != "CHATSITE_DATA_DIR"}
    return manage(place.folder / data, *arguments, **{**given, **variables})


async def _restored(place: Place, copy: Path, people: list[Writer], begun: float, found: Finding) -> None:
    variables: dict[str, str] = {}
    if place.database == POSTGRES:
        server = place.environment["DATABASE_URL"].rpartition("/")[0]
        variables["DATABASE_URL"] = await in_thread(new_database, server)
    done = await in_thread(lambda: _manage(place, copy.name, "restore", f"{copy}.tar", **variables))
    found.check(done.returncode == 0, f"restore said {done.stdout}{done.stderr}")
    await in_thread(_inspect, copy, variables, people, begun, found)
    await _answers(place, copy, people, begun, variables, found)


def _inspect(
    copy: Path, variables: dict[str, str], people: list[Writer], begun: float, found: Finding
) -> None:
    """What the copy's database and folder hold."""
    Path(f"{copy}.tar").unlink()
    rows = _rows_of(copy, variables)
    if not variables:
        found.check(rows("PRAGMA integrity_check") == [("ok",)], "SQLite finds the copy damaged")
        found.check(rows("PRAGMA foreign_key_check") == [], "rows of the copy point to nothing")
    found.check(rows(_ORPHANS) == [(0,)], "answers of the copy have no generation")
    titles = {str(uuid.UUID(str(id))): title for id, title in rows(_TITLES)}
    turns = " ".join(content for (content,) in rows(_TURNS))
    for one in people:
        _compare(one, titles.get(one.conversation, ""), turns, begun, found)
    for name, sha256 in rows(_STORED):
        stored = copy / "uploads" / name
        whole = stored.exists() and hashlib.sha256(stored.read_bytes()).hexdigest() == sha256
        found.check(whole, f"the stored file {name} is not in the copy")


def _compare(one: Writer, title: str, turns: str, begun: float, found: Finding) -> None:
    """The copy holds this person's writes up to one of them, and that is not before the backup began."""
    sent = {number for number in one.sent if one.words(number) in turns}
    renamed = int(title.removeprefix("number ")) if title.startswith("number ") else 0
    last = max([renamed, *sent])
    before = one.upto(begun)
    found.check(
        last >= before, f"{before} was acknowledged before the backup began, the copy ends with {last}"
    )
    expected = {number for number in one.sent if number <= last}
    found.check(sent == expected, f"of the messages up to {last}, the copy has not {expected - sent}")
    name = max((number for number in one.renamed if number <= last), default=0)
    found.check(renamed == name, f"the copy ends with {last}, and its title is of {renamed}, not {name}")


def _rows_of(copy: Path, variables: dict[str, str]) -> Any:
    def rows(query: str) -> list[tuple[Any, ...]]:
        if variables:
            import psycopg

            with psycopg.connect(variables["DATABASE_URL"]) as connection:
                return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]
        with contextlib.closing(sqlite3.connect(copy / "db.sqlite3")) as connection:
            return connection.execute(query).fetchall()

    return rows


async def _answers(
    place: Place, copy: Path, people: list[Writer], begun: float, variables: dict[str, str], found: Finding
) -> None:
    """The copy starts, knows its people and their files, and answers a new message."""
    kept = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_MODEL", "SECRET_KEY")
    given = {name: place.environment[name] for name in kept} | variables
    site = RunningSite(copy, **given)
    await in_thread(site.start)
    try:
        for one in people:
            status, _ = await request(
                site.port, "GET", f"/conversations/{one.conversation}/messages/", one.session
            )
            found.check(status == 200, f"a conversation of the copy is answered with {status}")
            for at, address, content in one.files:
                if at < begun:
                    _, got = await request(site.port, "GET", address, one.session)
                    found.check(got == content, "a file that was sent is not what it was")
        fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
        status, sent = await request(site.port, "POST", "/conversations/", people[0].session, fields)
        found.check(status == 201, f"the copy answers a message with {status}")
        path = f"/conversations/{sent['conversation']}/messages/"
        async with asyncio.timeout(20):
            while True:
                _, body = await request(site.port, "GET", path, people[0].session)
                if body["messages"][-1]["status"] == "completed":
                    break
                await asyncio.sleep(0.1)
    finally:
        await in_thread(site.end)


async def _upload(port: int, session: str, content: bytes) -> dict[str, Any]:
    site = f"http://127.0.0.1:{port}"
    known = {"Cookie": f"sessionid={session}; csrftoken={CSRF}", "X-CSRFToken": CSRF, "Origin": site}
    async with httpx.AsyncClient(timeout=30, headers={**known, "Accept": "application/json"}) as client:
        answer = await client.post(
            f"{site}/attachments/", files={"file": ("note.txt", content, "text/plain")}
        )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())

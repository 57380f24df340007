"""P1 for files: servers and the sweeper die between row and bytes, in either direction. No row may point to a missing
file, what was acknowledged is there byte for byte, the rest can be given again, and no bytes stay that nobody needs.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import request, upload
from .crashing import SWEEPS, UPLOADS
from .place import POSTGRES, Place, Server, in_thread
from .report import Finding

PEOPLE = 4
_COMPLETE = "SELECT file, sha256 FROM conversations_storedfile WHERE complete"
# Every attachment with a file that is not whole.
_HALF = (
    "SELECT a.id FROM conversations_attachment a WHERE EXISTS (SELECT 1 FROM conversations_storedfile f "
    "WHERE f.id IN (a.original_id, a.sent_id, a.sent_large_id, a.thumbnail_id) AND NOT f.complete)"
)


@dataclass
class Given:
    """A file as its person knows it. `body` is the acknowledgement; `taken_back`: None, asked for, or acknowledged."""

    session: str
    name: str
    media_type: str
    data: bytes
    body: dict[str, Any] = field(default_factory=dict)
    taken_back: bool | None = None


class Uploads:
    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.random = random.Random(seed)
        self.found = Finding(
            "P1", place.database, "no row without its file, uploads repeat, no bytes left over", seed
        )
        self.folder = place.folder / "data/uploads"
        self.given: list[Given] = []
        self.crashed: dict[str, int] = {}
        self._hashed: set[str] = set()
        self.label = ""

    async def cycle(self, number: int) -> None:
        """People give files and take some back, a server dies and starts again, everything is compared and swept."""
        # Each point in turn, in an order of its own for each round.
        if not number % len(UPLOADS):
            self._points = self.random.sample(UPLOADS, len(UPLOADS))
        point = self._points[number % len(UPLOADS)]
        victim = self.random.choice(self.place.servers)
        self.label = f"cycle {number} ({point})"
        self.given = []
        self.place.arm(victim, point, self.random.randint(1, 5))
        people = [asyncio.create_task(self._person(session, victim)) for session in self.place.people]
        if await in_thread(victim.died, 15):
            self.crashed[point] = self.crashed.get(point, 0) + 1
        else:
            victim.kill()
        await in_thread(victim.gone)
        await asyncio.gather(*people)
        await in_thread(self.place.start, victim)
        self._check_rows("after the kill")
        await self._repeat(victim)
        await self._check_files(victim)
        sweep = self.random.choice(SWEEPS)
        self.label += f", {sweep}"
        hits = self.random.randint(1, 2)
        await in_thread(lambda: self.place.command("sweep_attachments", point=sweep, hits=hits))
        self._check_rows("after half a sweep")
        await in_thread(self.place.command, "sweep_attachments")
        self._check_rows("after the sweep", swept=True)
        await self._check_files(victim)
        self.found.runs += 1

    async def _person(self, session: str, server: Server) -> None:
        """Until the server is gone."""
        try:
            while True:
                one = self._file(session)
                self.given.append(one)
                status, one.body = await upload(server.port, session, one.name, one.data, one.media_type)
                self.found.check(status == 201, f"{self.label}: {one.name} was answered {status} {one.body}")
                if self.random.random() < 0.3:
                    one.taken_back = False
                    status, _ = await request(server.port, "DELETE", one.body["url"], session)
                    one.taken_back = True
                    self.found.check(status == 204, f"{self.label}: taking back was answered {status}")
        except (OSError, TimeoutError):
            return

    def _file(self, session: str) -> Given:
        if self.random.random() < 0.5:
            data = self.random.randbytes(self.random.choice((200, 100_000))).hex().encode()
            return Given(session, "note.txt", "text/plain", data)
        return Given(session, "picture.png", "image/png", _png(self.random))

    async def _repeat(self, server: Server) -> None:
        """What was not acknowledged is given, or taken back, once more."""
        for one in self.given:
            if not one.body:
                status, one.body = await upload(server.port, one.session, one.name, one.data, one.media_type)
                self.found.check(status == 201, f"{self.label}: {one.name} cannot be repeated: {status}")
            elif one.taken_back is False:
                status, _ = await request(server.port, "DELETE", one.body["url"], one.session)
                one.taken_back = True
                self.found.check(status in (204, 404), f"{self.label}: taking back, repeated: {status}")

    async def _check_files(self, server: Server) -> None:
        """Everybody has what they gave, and nobody what they took back."""
        for one in self.given:
            for url in filter(None, (one.body["url"], one.body["thumbnail_url"])):
                try:
                    status, content = await request(server.port, "GET", url, one.session)
                except OSError:
                    self.found.fail(f"{self.label}: {url} breaks off")
                    continue
                asked = 404 if one.taken_back else 200
                self.found.check(status == asked, f"{self.label}: {url} is answered {status}, not {asked}")
                if status == 200 and one.media_type == "text/plain":
                    self.found.check(content == one.data, f"{self.label}: {url} has other bytes")

    def _check_rows(self, when: str, swept: bool = False) -> None:
        """Rows and files against each other."""
        for (id,) in self.place.rows(_HALF):
            self.found.fail(f"{self.label}, {when}: attachment {id} refers to bytes that are not whole")
        on_disk = {str(path.relative_to(self.folder)) for path in self._files("attachments")}
        complete = dict(self.place.rows(_COMPLETE))
        known = {name for (name,) in self.place.rows("SELECT file FROM conversations_storedfile")}
        for name in complete.keys() - on_disk:
            self.found.fail(f"{self.label}, {when}: the bytes of {name} are missing")
        for name in on_disk - known:
            self.found.fail(f"{self.label}, {when}: nobody knows of {name}")
        for name in (complete.keys() & on_disk) - self._hashed:
            self._hashed.add(name)
            same = hashlib.sha256((self.folder / name).read_bytes()).hexdigest() == complete[name]
            self.found.check(same, f"{self.label}, {when}: {name} has other bytes than its row says")
        if swept:
            left = (on_disk - complete.keys()) | (known - complete.keys())
            self.found.check(not left, f"{self.label}, {when}: left over are {sorted(left)[:5]}")
            work = self._files("work")
            self.found.check(not work, f"{self.label}, {when}: left over in the work folder are {work[:5]}")

    def _files(self, part: str) -> list[Path]:
        return [path for path in (self.folder / part).rglob("*") if path.is_file()]


def _png(chance: random.Random) -> bytes:
    """A picture of its own: 24 × 24 pixels of noise."""
    side = 24
    rows = b"".join(b"\0" + chance.randbytes(3 * side) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` kills."""
    # What no file refers to may be swept at once: nobody uploads while this proof sweeps.
    limits = {"CHATSITE_ATTACHMENT_ORPHAN_SECONDS": "0.001", "CHATSITE_QUOTA_FILES": "1000000"}
    with Place(database, servers=2 if database == POSTGRES else 1, **limits) as place:
        place.add_people(PEOPLE)
        uploads = Uploads(place, seed)
        for number in range(runs):
            await uploads.cycle(number)
        found = uploads.found
        found.note(", ".join(f"{count}× {point}" for point, count in sorted(uploads.crashed.items())))
        found.check(not place.complaints(), place.complaints())
        return [found]

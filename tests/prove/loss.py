"""P31: while Redis is killed, comes back, is emptied or hangs, answers go on; afterwards everybody is live again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from tests.services import free_port, wait_for_port

from .client import Page, request
from .place import POSTGRES, Place
from .report import Finding

CHATS = 4


class Redis:
    """A server of our own that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                self._folder,
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_for_port(self.port, self._process)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def hang(self, really: bool) -> None:
        """Connections stay, nothing is answered."""
        os.kill(self._process.pid, signal.SIGSTOP if really else signal.SIGCONT)

    def empty(self) -> None:
        subprocess.run(
            ["redis-cli", "-p", str(self.port), "FLUSHALL"], check=True, stdout=subprocess.DEVNULL, timeout=10
        )


async def prove(runs: int, seed: int, database: str) -> list[Finding]:
    """`runs` answers, read on the server that does not make them."""
    found = Finding("P31", POSTGRES, "content complete, live again ≤10 s after the return", seed)
    if database != POSTGRES:
        return []
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="chatsite-redis-") as folder:
        redis = Redis(Path(folder))
        try:
            with Place(POSTGRES, servers=2, REDIS_URL=redis.url) as place:
                people = place.add_people(CHATS)
                while found.runs < runs:
                    await _lose(place, people, redis, chance, found)
                    found.runs += CHATS
        finally:
            redis.kill()
    return [found]


async def _lose(place: Place, people: list[str], redis: Redis, chance: random.Random, found: Finding) -> None:
    own, other = place.servers
    chats = []
    for session in people:
        fields = {"text": "load-500-10", "client_id": str(uuid.uuid4())}
        status, sent = await request(own.port, "POST", "/conversations/", session, fields)
        assert status == 201, sent
        page = Page(other.port, session, sent["conversation"], spread=5).open()
        page.follow(sent["generation"])
        chats.append((session, sent, page))
    await asyncio.sleep(chance.uniform(0.2, 1.5))
    how = chance.choice(("killed", "emptied", "hung"))
    match how:
        case "killed":
            await asyncio.to_thread(redis.kill)
            await asyncio.sleep(chance.uniform(0.5, 5))
            # A send that comes meanwhile is taken as always.
            fields = {"text": "Hello", "client_id": str(uuid.uuid4())}
            status, _ = await request(other.port, "POST", "/conversations/", people[0], fields)
            found.check(status == 201, f"without Redis a send was answered {status}")
            await asyncio.to_thread(redis.start)
        case "emptied":
            await asyncio.to_thread(redis.empty)
        case "hung":
            redis.hang(True)
            await asyncio.sleep(chance.uniform(0.5, 5))
            redis.hang(False)
    back = time.time()
    for session, sent, page in chats:
        try:
            shown = await page.ended(sent["generation"], 40)
        except TimeoutError:
            found.fail(f"{how}: no end came")
            continue
        _, body = await request(
            other.port, "GET", f"/conversations/{sent['conversation']}/messages/", session
        )
        stored = "".join(block.get("text", "") for block in body["messages"][-1]["content"])
        found.check(stored == shown.whole, f"{how}: stored {len(stored)}, shown {len(shown.whole)}")
        found.check(body["messages"][-1]["status"] == "completed", f"{how}: {body['messages'][-1]['status']}")
    # A new turn, sent on one server, reaches the pages of the other by itself.
    began = time.time()
    while time.time() - back < 30:
        session, sent, page = chats[0]
        fields = {"text": "And more", "client_id": str(uuid.uuid4())}
        path = f"/conversations/{sent['conversation']}/messages/"
        status, turn = await request(own.port, "POST", path, session, fields)
        if status != 201:
            await asyncio.sleep(0.2)
            continue
        try:
            await asyncio.wait_for(_heard(page, turn["generation"]), 3)
        except TimeoutError:
            continue
        break
    found.most("s from the return to the next news", max(0.0, time.time() - max(back, began)), 10)
    for _, _, page in chats:
        await page.close()


async def _heard(page: Page, generation: str) -> None:
    while generation not in page.shown or page.shown[generation].stop is None:
        page.news.clear()
        await page.news.wait()

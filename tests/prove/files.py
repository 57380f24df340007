"""P19: bombs and broken files, twenty at once, harm only their own uploads; who reads meanwhile hardly notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from pathlib import Path

from .client import upload
from .place import Place, Server, in_thread
from .report import Finding
from .slow import delays

AT_ONCE = 20
HEALTHY = 10
_TICKS = os.sysconf("SC_CLK_TCK")


async def prove(
    runs: int, seed: int, database: str, files: int = 0, watched: str = "load-1500-20"
) -> list[Finding]:
    """Every hostile file (or `files` of them), `AT_ONCE` at a time, `runs` times and as long as others read answers."""
    found = Finding(
        "P19", database, "child ≤512 MiB and ≤10 s of a core, server +≤64 MiB, healthy p95 ≤2×", seed
    )
    chance = random.Random(seed)
    with Place(database) as place:
        server = place.servers[0]
        people = place.add_people(HEALTHY + 1)
        attacks = await in_thread(_attacks)
        quiet = await delays(place, people[1:], "load-150-20")
        before = server.memory()
        watching = asyncio.create_task(delays(place, people[1:], watched))
        looking = asyncio.create_task(_look(server, before, found))
        while found.runs < runs or not watching.done():
            names = chance.sample(list(attacks), files or len(attacks))
            for first in range(0, len(names), AT_ONCE):
                batch = names[first : first + AT_ONCE]
                await asyncio.gather(
                    *(_upload(server, people[0], name, *attacks[name], found) for name in batch)
                )
            found.runs += 1
        looking.cancel()
        children = await looking
        busy = await watching
        found.check(children > 0, "no child process was seen")
        found.most("p95 of healthy delays, times", busy / max(quiet, 0.02), 2)
        found.note(f"healthy p95 {quiet * 1000:.0f} → {busy * 1000:.0f} ms; {children} child processes seen")
        found.check(place.rows("SELECT count(*) FROM conversations_attachment") == [(0,)], "a file was taken")
        found.check(not place.complaints(), place.complaints())
    return [found]


def _attacks() -> dict[str, tuple[int, str, bytes]]:
    """Each attack by name: the status that it gets, what the file is called, and its bytes."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings_for_tests")
    import django

    django.setup()
    from tests.attachments.hostile import REFUSED

    return {attack: (status, name, build()) for attack, (status, name, build) in REFUSED.items()}


async def _upload(
    server: Server, session: str, attack: str, status: int, name: str, data: bytes, found: Finding
) -> None:
    told, content = await upload(server.port, session, name, data, "image/png", 120)
    found.check(told == status, f"{attack}: answered {told} {str(content)[:100]}, not {status}")
    if told != 201:
        sentence = content["error"]["message"] if isinstance(content, dict) else ""
        found.check(sentence.endswith("."), f"{attack}: no sentence for people in {content!r}")


async def _look(server: Server, before: float, found: Finding) -> int:
    """Looks ten times a second at the server and its file readers; how many of these it has seen, when cancelled."""
    seen: set[int] = set()
    try:
        while True:
            found.most("MiB more in the server", server.memory() - before, 64)
            for child in _readers(server.pid):
                _measure(child, found)
                seen.add(child)
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return len(seen)


def _measure(child: int, found: Finding) -> None:
    with contextlib.suppress(OSError, StopIteration):
        status = Path(f"/proc/{child}/status").read_text().splitlines()
        most = next(line for line in status if line.startswith("VmHWM"))
        found.most("MiB of a child", int(most.split()[1]) / 1024, 512)
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        found.most("s of a core of a child", (int(fields[11]) + int(fields[12])) / _TICKS, 10)


def _readers(server: int) -> list[int]:
    """Process ids of the file readers of this server."""
    found = []
    for path in Path(f"/proc/{server}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in path.read_text().split()]
    return [pid for pid in found if _is_reader(pid)]


def _is_reader(pid: int) -> bool:
    try:
        return b"conversations.attachments.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False

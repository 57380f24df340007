"""`python -m tests.bench`: how Chatsite relays, beside a bare httpx reader of the same upstream in the same run."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import table
from .figures import Figures
from .processes import Child
from .profiled import report
from .server import Server
from .storm import open_sockets, send_in_open_pages, start_conversations
from .table import Aim

IDLE_SOCKETS = 300
AIM_IDLE_MIB = 120
AIM_SOCKET_KIB = 32
_WARM_UP = 3


@dataclass(frozen=True)
class Load:
    chats: int
    deltas: int
    milliseconds: int
    aim: Aim

    @property
    def model(self) -> str:
        return f"load-{self.deltas}-{self.milliseconds}"

    @property
    def title(self) -> str:
        pace = f"{self.milliseconds} ms apart" if self.milliseconds else "unthrottled"
        return f"{self.chats} × {self.deltas:,}, {pace}"


LOADS = {
    "1": Load(1, 300, 5, Aim()),
    "50": Load(50, 300, 10, Aim(first=150, latency=40, cpu=1.0)),
    "200": Load(200, 300, 20, Aim(first=1000, latency=100)),
    "unthrottled": Load(20, 5000, 0, Aim(rate=80_000)),
}
QUICK = {
    "1": Load(1, 60, 5, Aim()),
    "50": Load(50, 60, 10, Aim()),
    "unthrottled": Load(20, 500, 0, Aim()),
}
SCENARIOS = {
    "pages open, everybody sends the next message (headline)": send_in_open_pages,
    "everybody starts a new conversation, then opens its socket": start_conversations,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small loads, to see that everything works")
    parser.add_argument("--only", choices=[*LOADS, "memory"], help="one row of the tables, or memory")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each row")
    parser.add_argument("--headline", action="store_true", help="only the scenario with open pages")
    parser.add_argument(
        "--profile", type=Path, metavar="FOLDER", help="profile the server's threads (slower)"
    )
    options = parser.parse_args()
    loads = QUICK if options.quick else LOADS
    scenarios = dict(list(SCENARIOS.items())[: 1 if options.headline else None])
    failed = 0
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite, loopback; times in ms; everybody"
    )
    print("sends in the same instant; server, upstream and load client share the cores.")
    with Child(["-m", "tests.fake_upstream"], {}, subprocess.PIPE) as child:
        upstream = child.line()
        for title, scenario in scenarios.items():
            rows = [table.HEADER]
            for name, load in loads.items():
                if options.only in (None, name):
                    for _ in range(options.repeat):
                        ours, bare = _run(upstream, load, scenario, options.profile)
                        failed += len(ours.failures)
                        rows += [table.row(load.title, "Chatsite", ours), table.row("", "httpx", bare)]
                    rows.append(load.aim.row())
            if len(rows) > 1:
                print(f"\n{title}\n{table.text(rows)}", flush=True)
        if options.only in (None, "memory"):
            _memory(upstream, 40 if options.quick else IDLE_SOCKETS)
    if options.profile:
        print(report(options.profile))
    return 1 if failed else 0


def _run(upstream: str, load: Load, scenario: object, profile: Path | None) -> tuple[Figures, Figures]:
    """A server of its own for every run, warmed up by a few answers."""
    assert callable(scenario)

    async def run() -> Figures:
        await start_conversations(server, pages[:_WARM_UP], load.deltas)
        await send_in_open_pages(server, pages[:_WARM_UP], load.deltas)
        found: Figures = await scenario(server, pages[_WARM_UP:], load.deltas)
        return found

    with Server(upstream, load.model, profile) as server:
        pages = server.people(load.chats + _WARM_UP)
        ours = asyncio.run(run())
    for failure in ours.failures[:5]:
        print(f"  failed: {failure}")
    return ours, _read_bare(upstream, load)


def _read_bare(upstream: str, load: Load) -> Figures:
    numbers = [str(number) for number in (load.chats, load.deltas, load.milliseconds)]
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.reader", upstream, *numbers],
        capture_output=True,
        check=True,
        timeout=120,
    )
    return Figures(**json.loads(answer.stdout))


def _memory(upstream: str, count: int) -> None:
    async def run() -> tuple[float, float]:
        await start_conversations(server, pages[:_WARM_UP], 10)
        for socket in await open_sockets(server, pages[:_WARM_UP]):
            socket.close()
        server.settle()
        before = server.rss()
        sockets = await open_sockets(server, pages)
        server.settle()
        grown = server.rss() - before
        for socket in sockets:
            socket.close()
        return before, grown * 1024 / count

    with Server(upstream, "load-10-1") as server:
        server.settle()
        idle = server.rss()
        pages = server.people(count)
        used, per_socket = asyncio.run(run())
    print(
        f"\nmemory, all processes\nidle after start {idle:.0f} MiB (aim ≤ {AIM_IDLE_MIB}) · "
        f"idle after {_WARM_UP} answers, render process included {used:.0f} MiB · "
        f"per idle socket {per_socket:.1f} KiB (of {count}; aim ≤ {AIM_SOCKET_KIB})"
    )


if __name__ == "__main__":
    sys.exit(main())

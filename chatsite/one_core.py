"""Keeps the threads of a server that is one process together on one core. Used by `server`.

The threads of one Python take turns at its interpreter. Across cores each turn wakes up another core, which costs a
busy server nearly as much again as its work (tests/bench); on one core a turn is an ordinary switch. Children of the
server give themselves all cores back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path

SECONDS = 2.0
# Other programs have to keep our core busier than another one by this part of a core until we move there.
MARGIN = 0.25
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class OneCore:
    """Where the system does not let a program choose its core, or there is only one, this does nothing."""

    def __init__(self, stat: Path = Path("/proc/stat"), threads: Path = Path("/proc/self/task")) -> None:
        self._stat = stat
        self._threads = threads
        self._allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._busy: dict[int, float] = {}
        self._own = 0.0
        self._at = 0.0

    def stay(self) -> None:
        """From now on; call in the event loop, which then looks every few seconds where there is room."""
        if len(self._allowed) > 1:
            # A container may forbid it.
            with contextlib.suppress(OSError):
                self._move(self._allowed[os.getpid() % len(self._allowed)])
                self._look_later()

    def look(self) -> None:
        """Moves to the quietest core if others are in the way on ours."""
        busy, own, now = self._busy_seconds(), time.process_time(), time.monotonic()
        if self._busy.keys() == busy.keys() >= set(self._allowed):
            used = {core: busy[core] - self._busy[core] for core in self._allowed}
            others = used.pop(self.core) - (own - self._own)
            quietest = min(used, key=lambda core: used[core])
            # Not always: two servers on one core must not move in step.
            if others - used[quietest] > MARGIN * (now - self._at) and random.random() < 0.5:
                self._move(quietest)
        self._busy, self._own, self._at = busy, own, now

    def _move(self, core: int) -> None:
        self.core = core
        for thread in self._threads.iterdir():
            # One that has just ended needs no core.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(SECONDS, self._look_again)

    def _look_again(self) -> None:
        with contextlib.suppress(OSError):
            self.look()
        self._look_later()

    def _busy_seconds(self) -> dict[int, float]:
        """What each core has worked so far, all but idling and waiting for disks."""
        found: dict[int, float] = {}
        for line in self._stat.read_text().splitlines():
            name, *ticks = line.split()
            if name.startswith("cpu") and name != "cpu":
                worked = [int(tick) for tick in ticks[:8]]
                found[int(name[3:])] = (sum(worked) - sum(worked[3:5])) / _TICKS_PER_SECOND
        return found

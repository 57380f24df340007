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
# We move when our core idles less than this part of the time,
FULL = 0.1
# other programs take at least this part of it,
CROWDED = 0.25
# and another core idles this much.
ROOMY = 0.2
_TICK = 1 / (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)


class OneCore:
    """Where the system does not let a program choose its core, or there is only one, this does nothing."""

    def __init__(self, stat: Path = Path("/proc/stat"), threads: Path = Path("/proc/self/task")) -> None:
        self._stat = stat
        self._threads = threads
        self._allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._times: dict[int, tuple[float, float]] = {}
        self._own = 0.0

    def stay(self) -> None:
        """From now on; call in the event loop, which then looks every few seconds where there is room."""
        if len(self._allowed) > 1:
            # A container may forbid it.
            with contextlib.suppress(OSError):
                self._move(self._allowed[os.getpid() % len(self._allowed)])
                self._look_later()

    def look(self) -> None:
        """Moves to the core that idles most if others are in the way on ours: programs that may run anywhere keep a
        core half busy that they would leave to us, so how busy it is says little.
        """
        times, own = self._core_times(), time.process_time()
        before, self._times = self._times, times
        worked, self._own = own - self._own, own
        if not before.keys() == times.keys() >= set(self._allowed):
            return
        spent = {core: (times[core][0] - before[core][0], times[core][1] - before[core][1]) for core in times}
        whole = {core: max(idling + working, _TICK) for core, (idling, working) in spent.items()}
        idle = {core: spent[core][0] / whole[core] for core in self._allowed}
        others = (spent[self.core][1] - worked) / whole[self.core]
        roomiest = max(idle, key=lambda core: idle[core])
        # Not always: two servers on one core must not move in step.
        if idle[self.core] < FULL and others > CROWDED and idle[roomiest] > ROOMY and random.random() < 0.5:
            self._move(roomiest)

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

    def _core_times(self) -> dict[int, tuple[float, float]]:
        """How long each core has idled (or waited for a disk) so far, and how long it has worked; seconds."""
        found: dict[int, tuple[float, float]] = {}
        for line in self._stat.read_text().splitlines():
            name, *ticks = line.split()
            if name.startswith("cpu") and name != "cpu":
                times = [int(tick) * _TICK for tick in ticks[:8]]
                idle = sum(times[3:5])
                found[int(name[3:])] = idle, sum(times) - idle
        return found

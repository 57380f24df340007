"""A limit on CPU time inside the worker process. Signals need the main thread, so nothing else can use it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

REPEAT = 0.02
"""Seconds of CPU until the signal comes again, in case code that swallows exceptions caught the first."""


class BudgetExceeded(BaseException):
    """The step used up its CPU time. Not an `Exception`, which libraries catch and swallow."""


_armed = False
_uncounted = 0.0


def install() -> None:
    """Take over the CPU timer signals of this process."""
    signal.signal(signal.SIGVTALRM, _exceeded)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


@contextmanager
def cpu_budget(seconds: float) -> Iterator[None]:
    """Raise `BudgetExceeded` in the body once it has used `seconds` of CPU in user mode."""
    global _armed
    _armed = True
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, REPEAT)
    try:
        yield
    finally:
        _armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@contextmanager
def uncounted() -> Iterator[None]:
    """Stop the clocks for the body. For what a process loads once, whatever the text: on a slow machine some of it
    takes longer than a step may, and the text that needs it first would lose its format. Never once per formula or
    block: the clocks tick coarsely, and stopping them often would stop them altogether.
    """
    global _uncounted
    clocks = (signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
    left = [signal.setitimer(clock, 0) for clock in clocks]
    start = time.process_time()
    try:
        yield
    finally:
        _uncounted += time.process_time() - start
        for clock, (seconds, repeat) in zip(clocks, left, strict=True):
            signal.setitimer(clock, seconds, repeat)


def used() -> float:
    """Seconds of CPU that this process has used for texts."""
    return time.process_time() - _uncounted


def last_resort(seconds: float) -> None:
    """Let the kernel end this process after `seconds` of CPU: for C code that no exception can leave."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _exceeded(number: int, frame: FrameType | None) -> None:
    if _armed:
        raise BudgetExceeded

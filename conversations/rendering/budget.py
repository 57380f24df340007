"""A limit on CPU time inside the worker process. Signals need the main thread, so nothing else can use it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

REPEAT = 0.02
"""Seconds of CPU until the signal comes again, in case code that swallows exceptions caught the first."""


class BudgetExceeded(BaseException):
    """The step used up its CPU time. Not an `Exception`, which libraries catch and swallow."""


_armed = False


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


def last_resort(seconds: float) -> None:
    """Let the kernel end this process after `seconds` of CPU: for C code that no exception can leave."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _exceeded(number: int, frame: FrameType | None) -> None:
    if _armed:
        raise BudgetExceeded

"""Several processes on one port: forks them, starts dead ones again, ends them together. Used by `start --workers`."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

logger = logging.getLogger("chatsite.workers")
# Before a worker that died is replaced: one that dies at once must not keep a core busy.
PAUSE_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# Where the workers' figures are added up; None while one process serves alone.
shared_figures: Path | None = None

Serve = Callable[[Callable[[], None]], None]


def share_figures(folder: Path) -> None:
    """Before anything imports `metrics`: what each worker counts goes into files that all can read."""
    global shared_figures
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    # The library looks for this name when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    shared_figures = folder


def _forget_figures(pid: int) -> None:
    """What an ended worker had open is open no more; what it counted stays."""
    for file in shared_figures.glob(f"gauge_live*_{pid}.db") if shared_figures else ():
        file.unlink(missing_ok=True)


class Workers:
    """The parent: holds the bound socket and serves nothing itself."""

    def __init__(self, count: int, serve: Serve) -> None:
        """`serve` blocks in a worker until it has stopped, and calls what it is given once it answers."""
        self._count = count
        self._serve = serve
        self._alive: set[int] = set()
        self._ending = False

    def run(self, on_ready: Callable[[], None]) -> bool:
        """Blocks until all have ended; `on_ready` is called once all answer. Returns whether they ended well."""
        for number in _SIGNALS:
            signal.signal(number, self._end)
        ready = [pipe for _ in range(self._count) if (pipe := self._fork()) is not None]
        answering = [_is_told(pipe) for pipe in ready]
        if not all(answering):
            self._end()
        elif not self._ending:
            on_ready()
        well = True
        while self._alive:
            pid, status = os.wait()
            if pid not in self._alive:
                continue
            self._alive.discard(pid)
            _forget_figures(pid)
            if self._ending:
                # One that had not begun to serve knows no other way to end.
                well = well and os.waitstatus_to_exitcode(status) in (0, -signal.SIGTERM)
                continue
            logger.error("A worker has ended (status %d); another one takes its place.", status)
            time.sleep(PAUSE_SECONDS)
            if (pipe := self._fork()) is not None:
                os.close(pipe)
        return well

    def _end(self, *_: Any) -> None:
        """Every worker finishes what runs; a second signal stops them at once."""
        number = signal.SIGKILL if self._ending and _ else signal.SIGTERM
        self._ending = True
        for pid in self._alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _fork(self) -> int | None:
        """Returns the end of a pipe from which one byte can be read as soon as the worker answers; None, and there is
        no worker, once the end has begun.
        """
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        # One that came in between would miss the new worker, or be taken for the parent's in it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            if self._ending:
                return None
            reading, writing = os.pipe()
            pid = os.fork()
            if pid:
                os.close(writing)
                self._alive.add(pid)
                return reading
            os.close(reading)
            self._work(parent, writing)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _work(self, parent: int, writing: int) -> NoReturn:
        status = 1
        try:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            _end_with(parent)

            def told() -> None:
                with contextlib.suppress(OSError):
                    os.write(writing, b"1")
                os.close(writing)

            self._serve(told)
            status = 0
        except BaseException:
            logger.exception("A worker could not serve.")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _is_told(pipe: int) -> bool:
    try:
        return bool(os.read(pipe, 1))
    finally:
        os.close(pipe)


def _end_with(parent: int) -> None:
    """A killed parent takes its workers along: nobody else would free the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

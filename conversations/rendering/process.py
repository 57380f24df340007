"""One render process as the server sees it: start it, ask it, kill it. Used by the thread of `service`."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import jobs

START_SECONDS = 30.0
"""How long a new process may take to say that it is ready; a loaded machine is slow at that."""

_ROOT = Path(__file__).resolve().parents[2]


class WorkerGone(Exception):
    """The process ended, or was ended, before it answered. `guilty`: the job itself used up the limits."""

    def __init__(self, guilty: bool) -> None:
        super().__init__("the render process ended before it answered")
        self.guilty = guilty


class WorkerProcess:
    """A running render process. Raises `WorkerGone` from every call once it is dead."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # An empty environment: the process must not hold the server's secrets.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-m", "conversations.rendering.worker"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                cwd=_ROOT,
                env={},
            )
        self._socket = ours
        self._read(time.monotonic() + START_SECONDS)

    @property
    def pid(self) -> int:
        """Process id, for tests and monitoring."""
        return self._process.pid

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a job and return the reply; kill the process if it takes more than `seconds` of wall time."""
        deadline = time.monotonic() + seconds
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(jobs.encode(message))
        except OSError as error:
            raise self._gone(isinstance(error, TimeoutError)) from error
        return self._read(deadline)

    def interrupt(self) -> None:
        """End the process from another thread; the one that waits for a reply gets `WorkerGone`."""
        self._process.kill()

    def kill(self) -> None:
        """End the process at once and release what it held."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _read(self, deadline: float) -> dict[str, Any]:
        try:
            size = int.from_bytes(self._receive(jobs.SIZE_BYTES, deadline))
            return jobs.decode(self._receive(size, deadline))
        except (OSError, EOFError) as error:
            raise self._gone(isinstance(error, TimeoutError)) from error

    def _receive(self, size: int, deadline: float) -> bytes:
        data = bytearray(size)
        view, filled = memoryview(data), 0
        while filled < size:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            count = self._socket.recv_into(view[filled:])
            if not count:
                raise EOFError
            filled += count
        return bytes(data)

    def _gone(self, timed_out: bool) -> WorkerGone:
        if not timed_out:
            # Its end of the socket is closed, so it is ending; its exit status says why.
            try:
                self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                timed_out = True
        self.kill()
        return WorkerGone(timed_out or self._process.returncode == -signal.SIGPROF)

"""Child processes of the bench: started in a group of their own, measured from /proc, always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """`python <arguments>` in the project's folder; the context manager ends it with SIGTERM, then SIGKILL."""

    def __init__(
        self, arguments: list[str], env: dict[str, str], output: IO[bytes] | int | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def line(self, deadline: float = 20.0) -> str:
        """The next line that the child prints. Raises RuntimeError where it ends first."""
        assert self.process.stdout is not None
        line: bytes = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended with status {self.process.wait(deadline)}")
        return line.decode().strip()


def tree(pid: int) -> list[int]:
    """The process and all that descend from it, itself first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found


def cpu_seconds(pid: int) -> tuple[float, float]:
    """CPU used so far by the process, and by all that descend from it, those that have ended included."""
    own = other = 0.0
    for number, one in enumerate(tree(pid)):
        fields = _stat(one)
        if fields:
            used, ended = (int(fields[n]) + int(fields[n + 1]) for n in (11, 13))
            own += used / _TICKS if number == 0 else 0.0
            other += (ended + (used if number else 0)) / _TICKS
    return own, other


def memory(pid: int, field: str = "VmRSS") -> float:
    """MiB of all processes of the tree; `VmHWM` for the most that each has had."""
    total = 0
    for one in tree(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith(field)), 0)
    return total / 1024


def settle(pid: int, seconds: float = 0.5, deadline: float = 10.0) -> None:
    """Waits until the tree has used less than 3 % of a core for that long."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        before = sum(cpu_seconds(pid))
        time.sleep(seconds)
        if sum(cpu_seconds(pid)) - before <= 0.03 * seconds + 1 / _TICKS:
            return


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from `state` on; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

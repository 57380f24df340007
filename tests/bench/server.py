"""The measured server: `manage.py start` on an empty data folder, with the fake upstream as its provider."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .processes import ROOT, Child, cpu_seconds, memory, settle

_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Page:
    """A signed-in person and a conversation of theirs that has one finished answer."""

    session: str
    conversation: str


class Server:
    """A context manager; `profile` is the folder where a profiled server leaves what it found."""

    def __init__(self, upstream: str, model: str, profile: Path | None = None) -> None:
        self._upstream = upstream
        self._model = model
        self._profile = profile
        self._stack = ExitStack()
        self.port = _free_port()
        self.origin = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Server:
        try:
            self._folder = Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="chatsite-bench-"))
            )
            self._env = {
                "CHATSITE_DATA_DIR": str(self._folder / "data"),
                "ANTHROPIC_BASE_URL": self._upstream,
                "ANTHROPIC_API_KEY": "bench-key",
                "ANTHROPIC_MODEL": self._model,
                "CHATSITE_PUBLIC_URL": "",
                "DATABASE_URL": "",
                "REDIS_URL": "",
            }
            self._log = self._folder / "server.log"
            launch = (
                ["manage.py"] if self._profile is None else ["-m", "tests.bench.profiled", str(self._profile)]
            )
            output = self._stack.enter_context(self._log.open("wb"))
            child = Child([*launch, "start", "--port", str(self.port)], self._env, output)
            self._process = self._stack.enter_context(child).process
            self._wait_until_ready()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complaints = [
            line for line in self._log.read_text().splitlines() if "ERROR" in line or "WARNING" in line
        ]
        self._stack.close()
        for line in complaints[:10]:
            print(f"  the server's log: {line[:200]}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def people(self, count: int) -> list[Page]:
        """New people with a session and a conversation each, made with Django's own means."""
        found = subprocess.run(
            [sys.executable, "-m", "tests.bench.people", str(count)],
            env={**os.environ, **self._env},
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        return [Page(**row) for row in json.loads(found.stdout)]

    def cpu(self) -> tuple[float, float]:
        """CPU-seconds of the server and of its children, so far."""
        return cpu_seconds(self.pid)

    def rss(self) -> float:
        """MiB of all processes."""
        return memory(self.pid)

    def peak(self) -> float:
        """The most MiB that each process has had, summed."""
        return memory(self.pid, "VmHWM")

    def settle(self) -> None:
        """Returns when the server is quiet; a profiled one counts from here."""
        settle(self.pid)
        if self._profile is not None:
            os.kill(self.pid, signal.SIGUSR1)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.origin}/readyz", timeout=2) as response:
                    if response.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"The server did not become ready:\n{self._log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port

"""A real `manage.py start` in its own process and data folder. For tests of what only a whole server shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from tests import patience

from .services import free_port

ROOT = Path(__file__).resolve().parent.parent


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without anything that configures a site, plus `variables`."""
    foreign = (
        "ANTHROPIC_",
        "CHATSITE_",
        "DJANGO_",
        "DATABASE_",
        "REDIS_",
        "SECRET_KEY",
        "EMAIL_",
        "AWS_",
        "DEFAULT_FROM",
        "OIDC_",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


def manage(data: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of `manage.py`, to its end, on this data folder."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, text=True,
        env=clean_environment(CHATSITE_DATA_DIR=str(data), **variables),
    )  # fmt: skip


class RunningSite:
    """Starts on entry (or with `start`), stops with SIGTERM on exit. `output` holds what it printed so far."""

    def __init__(self, data_dir: Path, *arguments: str, port: int = 0, **variables: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = arguments
        self._variables = variables
        self._log = data_dir.parent / f"{data_dir.name}-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def setup_link(self) -> str:
        found = re.search(r"http\S+/setup/\S+", self.output)
        return found[0] if found else ""

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts the process without waiting for it."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "start", "--port", str(self.port), *self._arguments],
                cwd=ROOT,
                env=clean_environment(CHATSITE_DATA_DIR=str(self.data_dir), **self._variables),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self, seconds: float = 60) -> RunningSite:
        """Starts the process and returns when it answers. Raises AssertionError with its output when it ends."""
        self.launch()
        return self.wait(seconds)

    def wait(self, seconds: float = 60) -> RunningSite:
        """Returns when the launched process answers."""
        process = self.process
        assert process is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert process.poll() is None, self.output
            # Not httpx: it reads all the certificates of the world for every question.
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=patience.SECONDS):
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"No answer after {seconds} s:\n{self.output}")

    def end(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Sends a signal and returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def __enter__(self) -> RunningSite:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            try:
                self.end()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

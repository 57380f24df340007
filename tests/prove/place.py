"""The place that is put to the test: servers on one database, a provider with a ledger, people with sessions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests import prepared
from tests.running_site import ROOT, clean_environment
from tests.services import free_port, redis_server

from .upstream import Provider

MODEL = "claude-opus-4-5"
SQLITE, POSTGRES = "sqlite", "postgres"


@dataclass
class Server:
    """One `manage.py start`. `booted` is when it answered for the first time (epoch seconds)."""

    port: int
    log: Path
    pid: int = 0
    booted: float = 0.0
    arguments: list[str] = field(default_factory=list)

    def is_alive(self) -> bool:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def memory(self) -> float:
        """MiB of the server's own process; cheap enough to be asked all the time."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096 / 2**20

    def kill(self, number: int = signal.SIGKILL) -> float:
        """Sends the signal; returns the time."""
        now = time.time()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        return now

    def died(self, seconds: float) -> float:
        """When it died by itself; 0 when it still lives after this time."""
        ends = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > ends:
                return 0
            time.sleep(0.005)
        return time.time()

    def gone(self, seconds: float = 40) -> float:
        """Waits until the process has ended; returns how long that took."""
        began = time.monotonic()
        # A dead process whose other threads are still ending holds its locks: wait until it has been reaped.
        while Path(f"/proc/{self.pid}").exists():
            assert time.monotonic() - began < seconds, f"The server on port {self.port} does not end."
            time.sleep(0.01)
        return time.monotonic() - began


class Place:
    """A context manager. `database` is "sqlite" (one server) or "postgres" (with Redis, any number of servers)."""

    def __init__(
        self, database: str = SQLITE, servers: int = 1, *, url: str = "", workers: int = 1, **settings: str
    ) -> None:  # fmt: skip
        self.database = database
        self.count = servers
        self.upstream = Provider()
        self._url = url
        self._workers = workers
        self._settings = settings
        self._stack = ExitStack()
        self.servers: list[Server] = []
        self.people: list[str] = []

    def __enter__(self) -> Place:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self.servers:
            server.kill()
        self._stack.close()

    def _open(self) -> None:
        self.folder = self._temporary("prove")
        if not self._url:
            self._stack.enter_context(self.upstream)
        self.environment = {
            "CHATSITE_DATA_DIR": str(self.folder / "data"),
            "ANTHROPIC_BASE_URL": self._url or self.upstream.url,
            "ANTHROPIC_API_KEY": "prove-key",
            "ANTHROPIC_MODEL": MODEL,
            "SECRET_KEY": "prove-" * 8,
            **self._settings,
        }
        prepared.data_folder(self.folder / "data")
        if self.database == POSTGRES:
            self.environment["DATABASE_URL"] = prepared.postgres_database()
            if "REDIS_URL" not in self.environment:
                self.environment["REDIS_URL"] = self._stack.enter_context(
                    redis_server(self._temporary("redis"))
                )
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.prove.zygote"],
            cwd=ROOT, env=clean_environment(**self.environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._stack.callback(self._end_zygote)
        self._answer()
        for number in range(self.count):
            self.servers.append(Server(free_port(), self.folder / f"server-{number}.log"))
            if self._workers > 1:
                self.servers[-1].arguments = ["--workers", str(self._workers)]
            self.start(self.servers[-1])

    def _temporary(self, name: str) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=f"chatsite-{name}-")))

    def _end_zygote(self) -> None:
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait(20)
        assert self._zygote.stdout is not None
        self._zygote.stdout.close()

    def _order(self, **order: Any) -> int:
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(order) + "\n")
        self._zygote.stdin.flush()
        return int(self._answer()["pid"])

    def _answer(self) -> dict[str, Any]:
        assert self._zygote.stdout is not None
        line = self._zygote.stdout.readline()
        assert line, "The zygote has ended."
        answer: dict[str, Any] = json.loads(line)
        return answer

    def launch(self, server: Server) -> None:
        """Starts the server without waiting for it."""
        server.pid = self._order(port=server.port, log=str(server.log), arguments=server.arguments)

    def start(self, server: Server, seconds: float = 60) -> Server:
        """Starts the server and returns when it answers."""
        self.launch(server)
        return self.wait(server, seconds)

    def arm(self, server: Server, point: str, hits: int) -> None:
        """From now on the server dies when it comes by this point for the n-th time (see `crashing`)."""
        server.log.with_suffix(".crash").write_text(json.dumps([point, hits]))
        server.kill(signal.SIGUSR1)

    def wait(self, server: Server, seconds: float = 60) -> Server:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert server.is_alive(), server.log.read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=5) as response:
                    if response.status == 200:
                        server.booted = time.time()
                        return server
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise AssertionError(f"No answer after {seconds} s:\n{server.log.read_text()[-3000:]}")

    def add_people(self, count: int, administrators: int = 0) -> list[str]:
        """Sessions of new people; administrators come last."""
        output = self.folder / f"people-{len(self.people)}"
        pid = self._order(people=count, administrators=administrators, log=str(output))
        Server(0, output, pid).gone()
        sessions: list[str] = json.loads(output.read_text())
        self.people += sessions
        return sessions

    def command(self, *arguments: str, point: str = "", hits: int = 1) -> None:
        """A command of `manage.py` beside the servers, to its end or until it dies at the named point."""
        log = self.folder / "commands.log"
        pid = self._order(command=arguments, point=point, hits=hits, log=str(log))
        Server(0, log, pid).gone()
        said = log.read_text() if log.exists() else ""
        assert "Traceback" not in said, said

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Reads the database beside the servers."""
        if self.database == POSTGRES:
            import psycopg

            with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
                return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]
        import sqlite3

        with contextlib.closing(sqlite3.connect(self.folder / "data/db.sqlite3", timeout=20)) as connection:
            return connection.execute(query).fetchall()

    def complaints(self) -> str:
        """What the servers' logs hold from the first line on that no test may cause; empty when all is well."""
        for server in self.servers:
            lines = server.log.read_text().splitlines() if server.log.exists() else []
            for number, line in enumerate(lines):
                if "Traceback" in line or " ERROR " in line or " CRITICAL " in line:
                    return "\n".join(lines[max(0, number - 1) : number + 40])
        return ""


async def in_thread(function: Any, *arguments: Any) -> Any:
    """What blocks (starting, waiting) beside the clients of the event loop."""
    return await asyncio.to_thread(function, *arguments)

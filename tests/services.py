"""Private servers for tests: PostgreSQL and Redis in a temporary folder on a free port, and where Chromium is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium_path() -> str:
    """A Chromium or Chrome on the PATH; empty when there is none. The shell draws no window around the page, which is
    half of the work.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return ""


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Returns when somebody listens; raises when the process has ended or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("The server does not listen.")


def _postgres_programs() -> Path:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    for folder in [*folders, *([Path(found).parent] if found else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise FileNotFoundError("there is no PostgreSQL server on this machine.")


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A server with an empty database, in a folder that other users can reach: under /tmp itself, since pytest
    closes its own to them. Raises FileNotFoundError when PostgreSQL is not installed.
    """
    programs, data, port = _postgres_programs(), folder / "data", free_port()
    # PostgreSQL refuses to run as root.
    be_somebody: list[str] = []
    if os.getuid() == 0:
        be_somebody = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    subprocess.run(
        [
            *be_somebody,
            programs / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "chatsite",
            "--no-sync",
            "-E",
            "UTF8",
        ],
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k", str(data), "-p", str(port)]
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            [*be_somebody, programs / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd="/"
        )
    try:
        wait_for_port(port, server)
        yield new_database(f"postgres://chatsite@127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(20)


def new_database(server: str, template: str = "template1", name: str = "") -> str:
    """DATABASE_URL of a new database on the server with this address: an empty one, or a copy of another."""
    import psycopg

    name = name or f"chatsite_{uuid.uuid4().hex}"
    deadline = time.monotonic() + 20
    while True:
        try:
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            return f"{server}/{name}"
        except psycopg.OperationalError:
            # It listens a moment before it answers.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A server that keeps nothing on disk."""
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(20)

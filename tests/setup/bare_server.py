"""A server of ours around the application of `serve_for_tests`, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import patience
from tests.running_site import ROOT, clean_environment
from tests.services import free_port


class BareServer:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def memory(self) -> float:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / 2**20

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), patience.SECONDS)


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[BareServer]:
    port = free_port()
    environment = clean_environment(CHATSITE_DATA_DIR=str(data), **settings)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.setup.serve_for_tests", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield BareServer(process, port)
        except BaseException:
            # Nobody waits for what may hang.
            process.kill()
            raise
        process.terminate()

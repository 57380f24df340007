"""What a dead process leaves to the next one."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

from conversations.generation import owner
from tests.prove import crashing
from tests.running_site import ROOT, clean_environment


def test_a_dead_process_that_nobody_has_asked_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    machine, boot, _, _ = owner.identity().split("/")
    working = f"{machine}/{boot}/{child.pid}/{owner._started(child.pid)}"
    assert not owner.is_gone(working)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the list
    try:
        assert owner.is_gone(working)
    finally:
        child.wait()


def test_the_render_process_ends_without_a_word_when_its_server_is_killed() -> None:
    ours, its = socket.socketpair()
    with its:
        worker = subprocess.Popen(
            [sys.executable, "-m", "conversations.rendering.worker"],
            cwd=ROOT, stdin=its, stdout=its, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert ours.recv(1000)
    # What a killed process leaves: its end closed with unread data in it.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ours.sendall(b"\0\0\0\x02{}")
    ours.recv(1)
    ours.close()
    _, said = worker.communicate(timeout=20)
    assert (said, worker.returncode) == (b"", 0)


def test_every_crash_point_finds_what_it_wraps(tmp_path: Path) -> None:
    points = [*crashing.POINTS, *crashing.UPLOADS, *crashing.SWEEPS]
    script = "import django; django.setup(); from tests.prove.crashing import crash_at\n"
    script += "\n".join(f"crash_at({point!r})" for point in points)
    environment = clean_environment(
        CHATSITE_DATA_DIR=str(tmp_path), DJANGO_SETTINGS_MODULE="chatsite.settings"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)

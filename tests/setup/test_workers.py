"""The parent of several workers, without what they serve."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# A signal that comes at the moment when the first worker has been made.
STOPPED_AT_ONCE = """
import os, signal
from chatsite.workers import Workers

parent = os.getpid()
forks = []

def stop():
    forks.append(1)
    if len(forks) == 1:
        os.kill(parent, signal.SIGTERM)

def serve(ready):
    ready()
    while True:
        signal.pause()

os.register_at_fork(after_in_parent=stop)
print(Workers(3, serve).run(lambda: print("ready")), len(forks))
"""


@pytest.mark.slow
def test_a_signal_in_the_middle_of_the_start_ends_all_workers(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_AT_ONCE], cwd=root, capture_output=True, text=True, timeout=30
    )
    assert (done.stdout.split(), done.returncode) == (["True", "1"], 0)

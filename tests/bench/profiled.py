"""Runs `manage.py` with every thread profiled by its own CPU time, and prints what the threads did.

Run by `server` as `python -m tests.bench.profiled FOLDER start …`; it leaves one file per thread in FOLDER. The
event loop is profiled from SIGUSR1 on, so that the start of the server does not count.
"""

from __future__ import annotations

import atexit
import cProfile
import io
import os
import pstats
import re
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

_SHOWN = 35


def report(folder: Path) -> str:
    """The busiest functions, the event loop's and those of all other threads."""
    out = io.StringIO()
    for title, pattern in (("event loop", "MainThread*"), ("requests", "request*"), ("journal", "journal*")):
        files = sorted(folder.glob(f"{pattern}.prof"))
        if files:
            print(f"\n{title}, CPU-seconds", file=out)
            found = pstats.Stats(*map(str, files), stream=out)
            found.sort_stats("tottime").print_stats(_SHOWN)
            found.sort_stats("cumulative").print_stats(_SHOWN)
    return out.getvalue()


def main(folder: Path, arguments: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.prof"):
        old.unlink()
    profiles: list[tuple[str, cProfile.Profile]] = []

    def begin(name: str) -> None:
        profile = cProfile.Profile(time.thread_time)
        profiles.append((name, profile))
        profile.enable()

    def begin_again(*_: object) -> None:
        for name, profile in profiles:
            if name == "MainThread":
                profile.disable()
                profiles.remove((name, profile))
        begin("MainThread")

    def first_call(frame: FrameType, event: str, argument: Any) -> None:
        sys.setprofile(None)
        begin(threading.current_thread().name)

    def write() -> None:
        for number, (name, profile) in enumerate(profiles):
            profile.create_stats()
            if profile.stats:  # type: ignore[attr-defined]
                profile.dump_stats(folder / f"{re.sub(r'[^A-Za-z]', '', name)}{number}.prof")

    atexit.register(write)
    threading.setprofile(first_call)
    signal.signal(signal.SIGUSR1, begin_again)
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

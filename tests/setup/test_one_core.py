"""A server that is one process keeps its threads on one core, its children have all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatsite.one_core import OneCore
from conversations.rendering.jobs import DocumentJob
from conversations.rendering.service import RenderService

pytestmark = pytest.mark.skipif(
    len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="needs Linux with two cores"
)


@pytest.fixture(autouse=True)
def cores() -> Iterator[list[int]]:
    allowed = os.sched_getaffinity(0)
    yield sorted(allowed)
    for thread in Path("/proc/self/task").iterdir():
        # One that ends meanwhile needs none.
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), allowed)


def stat(path: Path, seconds: dict[int, float], now: float) -> None:
    """What the system says at this time: so long has each core worked, the rest of it had nothing to do."""
    rows = [
        f"cpu{core} {100 * busy:.0f} 0 0 {100 * (now - busy):.0f} 0 0 0 0 0 0"
        for core, busy in seconds.items()
    ]
    path.write_text("\n".join(["cpu 1 2 3", *rows, "intr 12"]))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)


async def test_all_threads_stay_on_one_core() -> None:
    done = threading.Event()
    before = threading.Thread(target=done.wait)
    before.start()
    OneCore().stay()
    after = threading.Thread(target=done.wait)
    after.start()
    places = [os.sched_getaffinity(thread.native_id or 0) for thread in (before, after)]
    done.set()
    assert places[0] == places[1] == os.sched_getaffinity(0)
    assert len(places[0]) == 1


async def test_it_moves_where_there_is_room(tmp_path: Path, cores: list[int], always: None) -> None:
    one = OneCore(tmp_path / "stat")
    one.stay()
    here, there = one.core, next(core for core in cores if core != one.core)
    stat(tmp_path / "stat", dict.fromkeys(cores, 0), now=0)
    one.look()
    stat(tmp_path / "stat", {core: 2 if core != there else 1.3 for core in cores}, now=2)
    one.look()
    assert one.core == there != here
    assert os.sched_getaffinity(0) == {there}


@pytest.mark.parametrize(
    ("busy_here", "busy_there", "own"),
    [(2, 0, 1.6), (1.7, 0, 0.5), (2, 1.8, 0.5)],
    ids=["its own work", "room here", "no room there"],
)
def test_it_stays(
    tmp_path: Path,
    cores: list[int],
    always: None,
    monkeypatch: pytest.MonkeyPatch,
    busy_here: float,
    busy_there: float,
    own: float,
) -> None:
    one = OneCore(tmp_path / "stat")
    one.core = cores[0]
    for share in (0.0, 1.0):
        monkeypatch.setattr(time, "process_time", lambda share=share: own * share)
        stat(
            tmp_path / "stat",
            {core: share * (busy_here if core == one.core else busy_there) for core in cores},
            now=2 * share,
        )
        one.look()
    assert one.core == cores[0]


async def test_the_render_process_has_all_cores(cores: list[int]) -> None:
    OneCore().stay()
    service = RenderService()
    try:
        service.submit(DocumentJob("*Hello*")).result(30)
        assert service.worker_pid is not None
        assert os.sched_getaffinity(service.worker_pid) == set(cores)
    finally:
        service.close()


async def test_a_process_that_reads_a_file_has_all_cores(cores: list[int]) -> None:
    OneCore().stay()
    confined = (
        "import os; from pathlib import Path; from conversations.attachments.confinement import confine;"
        "confine(1 << 30, 5, Path());"
        "print(sorted(os.sched_getaffinity(0)))"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", confined, stdout=asyncio.subprocess.PIPE
    )
    assert (await child.communicate())[0].decode().strip() == str(cores)

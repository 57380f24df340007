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


def stat(path: Path, seconds: dict[int, float]) -> None:
    """What the system says: so long has each core worked, a million seconds more it had nothing to do."""
    rows = [f"cpu{core} {100 * busy:.0f} 0 0 100000000 500 0 0 0 0 0" for core, busy in seconds.items()]
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
    stat(tmp_path / "stat", dict.fromkeys(cores, 100))
    one.look()
    stat(tmp_path / "stat", {core: 200 if core != there else 100 for core in cores})
    one.look()
    assert one.core == there != here
    assert os.sched_getaffinity(0) == {there}


async def test_its_own_work_does_not_move_it(tmp_path: Path, cores: list[int], always: None) -> None:
    one = OneCore(tmp_path / "stat")
    one.stay()
    here = one.core
    stat(tmp_path / "stat", dict.fromkeys(cores, 0))
    one.look()
    began = time.process_time()
    while time.process_time() - began < 0.3:
        pass
    stat(tmp_path / "stat", {core: 0.3 if core == here else 0 for core in cores})
    one.look()
    assert one.core == here


def test_it_moves_nowhere_while_all_cores_are_as_busy(tmp_path: Path, cores: list[int], always: None) -> None:
    one = OneCore(tmp_path / "stat")
    one.core = cores[0]
    for busy in (100, 200):
        stat(tmp_path / "stat", dict.fromkeys(cores, busy))
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
        "import os; from conversations.attachments.confinement import confine; confine(1 << 30, 5);"
        "print(sorted(os.sched_getaffinity(0)))"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", confined, stdout=asyncio.subprocess.PIPE
    )
    assert (await child.communicate())[0].decode().strip() == str(cores)

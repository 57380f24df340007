"""Which test runs where and when, for pytest-xdist: what shares servers is kept together, what takes long begins early.
Loaded by `conftest`.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Share a PostgreSQL server, which one process alone then has to make.
POSTGRES = (
    "tests/care/test_backup_postgres.py",
    "tests/crash/test_several_processes.py",
    "tests/prove/test_workers.py",
    "tests/setup/test_several_processes.py",
)
# Each test has its own servers, or shares those of the whole process.
ALONE = ("tests/browser/", "tests/prove/")


def unit(nodeid: str) -> str:
    """The tests that one process runs in a row have this in common: a file, mostly, since its tests share fixtures."""
    path = nodeid.partition("::")[0]
    if path in POSTGRES or "[postgres]" in nodeid:
        return "postgres"
    return nodeid if path.startswith(ALONE) else path


class Units(LoadScopeScheduling):
    """Hands out units in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Units:
    return Units(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """PostgreSQL's first; then what is slow, which mostly waits, in turn with whole files, which mostly compute; in the
    end the many short ones: nobody waits long for the last one. Each of these as shuffled.
    """
    units: dict[str, list[pytest.Item]] = {}
    for item in items:
        units.setdefault(unit(item.nodeid), []).append(item)
    first: list[str] = []
    slow: list[str] = []
    files: list[str] = []
    short: list[str] = []
    for name, members in units.items():
        if name == "postgres":
            first.append(name)
        elif any(item.get_closest_marker("slow") for item in members):
            slow.append(name)
        else:
            (short if name.startswith(ALONE) else files).append(name)
    in_turn = [name for pair in zip_longest(slow, files) for name in pair if name]
    items[:] = [item for name in first + in_turn + short for item in units[name]]

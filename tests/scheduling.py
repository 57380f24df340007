"""Which test runs where and when, for pytest-xdist: what shares servers is kept together, what takes long begins early.
Loaded by `conftest`.
"""

from __future__ import annotations

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
    """PostgreSQL's first, then what is slow, then whole files, in the end the many short ones: nobody waits long for
    the last one. Each of these as shuffled.
    """

    def place(item: pytest.Item) -> int:
        if unit(item.nodeid) == "postgres":
            return 0
        if item.get_closest_marker("slow"):
            return 1
        return 3 if item.nodeid.startswith(ALONE) else 2

    items.sort(key=place)

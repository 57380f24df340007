"""What all tests share: the parts that a machine may lack (browser, PostgreSQL, Redis), each with its reason.

A missing part skips its tests; `CHATSITE_TEST_REQUIRE=browser,postgres,redis` makes them fail instead.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from hypothesis import given, strategies

from . import emptying, prepared
from .services import chromium_path, redis_server
from .world import (  # noqa: F401 - fixtures
    administrator,
    alice,
    bob,
    model,
    quick,
    session_upstream,
    upstream,
    world,
)

pytest_plugins = ["tests.scheduling"]

emptying.install()
REQUIRED = {part.strip() for part in os.environ.get("CHATSITE_TEST_REQUIRE", "").split(",") if part.strip()}


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        prepared.share(Path(config.workerinput["prepared"]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """What the first process prepares is for all of them; it goes with the process that started them."""
    node.workerinput["prepared"] = str(prepared.shared())


@given(strategies.none())
def _an_example(_: None) -> None:
    """Hypothesis makes its random numbers with the first one."""


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look at it again and again."""
    # On Python 3.14 the holder of these numbers must not be frozen before Hypothesis has looked for it.
    _an_example()
    gc.collect()
    gc.freeze()


def absent(part: str, reason: str) -> None:
    """Skips the running test, or fails it when the environment says that this part must be there."""
    if part in REQUIRED:
        pytest.fail(f"{part} is required here, but {reason}")
    pytest.skip(f"{part}: {reason}")


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Counters of failures live in the cache: no test may leave them to another."""
    cache.clear()
    yield


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, django_db_modify_db_settings: None) -> bool:
    """On SQLite the test database is a copy of a migrated one, and goes with its folder."""
    if connection.vendor == "sqlite":
        prepared.sqlite_database(Path(connection.settings_dict["TEST"]["NAME"]))
        return True
    return django_db_keepdb


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database; threads of the engine may still hold connections to it when it goes."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium."""
    found = chromium_path()
    if not found:
        absent("browser", "there is no chromium on the PATH.")
    return found


@pytest.fixture(scope="session")
def postgres() -> str:
    """Address of a PostgreSQL server of our own, without a database's name."""
    try:
        return prepared.postgres()
    except FileNotFoundError as error:
        absent("postgres", str(error))
        raise


@pytest.fixture(scope="module")
def postgres_url(postgres: str) -> str:
    """DATABASE_URL of a migrated database; the tests of one file share it."""
    return prepared.postgres_database()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """REDIS_URL of a Redis server of our own."""
    if not shutil.which("redis-server"):
        absent("redis", "there is no redis-server on the PATH.")
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of manage.py."""
    return Path(__file__).resolve().parent.parent

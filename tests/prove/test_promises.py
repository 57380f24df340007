"""The short versions of the proofs: a few runs each, with a new seed every time. Long: `python -m tests.prove`."""

from __future__ import annotations

import asyncio
import random
from importlib import import_module
from typing import Any

import pytest

SQLITE = "sqlite"
POSTGRES = pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.redis])

pytestmark = pytest.mark.slow


def prove(name: str, runs: int, database: str, **options: Any) -> None:
    """Fails with the lines that the long version would print; the seed in them repeats the run."""
    module = import_module(f"tests.prove.{name}")
    findings = asyncio.run(module.prove(runs, random.randrange(1, 1_000_000), database, **options))
    assert findings
    bad = [finding for finding in findings if finding.failures]
    assert not bad, "\n".join(
        [*(one.line() for one in bad), *(line for one in bad for line in one.failures[:5])]
    )
    # Times depend on what else the machine does: the long version judges them, the suite judges memory.
    for finding in findings:
        for figure, (reached, asked) in finding.figures.items():
            assert "MiB" not in figure or reached <= 3 * asked, f"{figure}: {finding.line()}"


@pytest.fixture(params=[SQLITE, POSTGRES])
def database(request: pytest.FixtureRequest) -> str:
    if request.param != SQLITE:
        request.getfixturevalue("outside_services")
    return str(request.param)


def test_nothing_acknowledged_is_lost_or_doubled_by_kills(database: str) -> None:
    prove("kills", 2, database)


def test_no_row_points_to_a_missing_file_and_no_bytes_stay_without_a_row_after_kills(database: str) -> None:
    prove("uploads", 1, database)


def test_equal_sends_make_one_message_and_races_one_answer(database: str) -> None:
    prove("sends", 5, database)


def test_a_stop_stops_at_the_provider_too(database: str) -> None:
    prove("stops", 2, database)


@pytest.mark.parametrize("database", [POSTGRES], indirect=True)
def test_whose_right_ends_is_cut_off_at_every_process(database: str) -> None:
    prove("rights", 5, database)


def test_cut_connections_lose_no_character(database: str) -> None:
    prove("cuts", 2, database)


def test_a_restart_in_the_middle_of_answers_loses_nothing(database: str) -> None:
    prove("deploys", 1, database, chats=6, drain=2, spread=1)


@pytest.mark.parametrize("database", [POSTGRES], indirect=True)
def test_stalled_readers_cost_little_and_are_closed(database: str) -> None:
    prove("slow", 1, database, stalled=20, healthy=5, size=1_500_000, seconds=4, ack_timeout=2)


# What is refused before anything asks a database: the long versions run on both.


def test_floods_are_closed_and_cost_nothing() -> None:
    prove("floods", 1, SQLITE, mebibytes=20, watched="load-200-20")


def test_large_bodies_are_refused_before_they_are_held() -> None:
    prove("bodies", 1, SQLITE, mebibytes=64)


def test_hostile_files_harm_only_their_own_uploads() -> None:
    prove("files", 1, SQLITE, files=6, watched="load-50-20")


def test_a_full_disk_and_the_worst_texts_are_survived() -> None:
    prove("team", 1, SQLITE, people=8)


def test_a_backup_taken_under_load_is_restored_whole() -> None:
    prove("backup", 1, SQLITE)


@pytest.mark.parametrize("database", [POSTGRES], indirect=True)
def test_redis_may_go_and_come_back(database: str) -> None:
    prove("loss", 4, database)

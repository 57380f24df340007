"""The same code on PostgreSQL and Redis, with more than one server."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from chatsite.data_folder import PREPARING
from tests import prepared
from tests.prepared import data_folder
from tests.running_site import ROOT, RunningSite, clean_environment
from tests.world import wait_for

from .test_start import ADMINISTRATOR, signed_in

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


def test_servers_that_start_at_once_share_one_database(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Two on one disk, and one on another machine."""
    variables = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "s" * 50,
        **ADMINISTRATOR,
    }
    sites = [RunningSite(tmp_path / name, **variables) for name in ("data", "data", "elsewhere")]
    try:
        with (
            psycopg.connect(postgres_url) as first,
            psycopg.connect(postgres_url, autocommit=True) as onlooker,
        ):
            first.execute("SELECT pg_advisory_xact_lock(%s)", [PREPARING])
            for site in sites:
                site.launch()
            # One for each folder.
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            wait_for(lambda: onlooker.execute(waiting).fetchone() == (2,))
        for site in sites:
            site.wait()
            assert httpx.get(f"{site.url}/readyz").json() == {"status": "ok"}
        said = "".join(site.output for site in sites)
        assert said.count("was created") == 1
        assert "WARNING" not in said
        with closing(signed_in(sites[0])) as client:
            assert client.get(f"{sites[-1].url}/account/").status_code == 200
    finally:
        assert [site.end() for site in sites] == [0, 0, 0]


def test_readyz_names_what_is_missing(redis_url: str, tmp_path: Path) -> None:
    host, _, port = redis_url.removeprefix("redis://").removesuffix("/0").partition(":")
    # A port that nobody listens on.
    data = data_folder(tmp_path / "data")
    with RunningSite(data, REDIS_URL=f"redis://{host}:{int(port) ^ 1}/0") as site:
        answer = httpx.get(f"{site.url}/readyz")
        assert (answer.status_code, answer.json()["missing"]) == (503, ["Redis cannot be reached."])
        assert httpx.get(f"{site.url}/healthz").status_code == 200


def test_a_database_that_is_away_is_named_plainly(tmp_path: Path) -> None:
    site = RunningSite(
        tmp_path / "data", DATABASE_URL="postgres://me:pa55word@127.0.0.1:1/none", REDIS_URL=""
    )
    assert site.launch().wait(60) == 1
    assert "The database cannot be used" in site.output
    assert "pa55word" not in site.output
    assert "Traceback" not in site.output


@pytest.mark.timeout(400)  # hundreds in one
def test_what_depends_on_the_database_passes_on_postgresql_too(postgres_url: str, redis_url: str) -> None:
    """Locks, transactions, constraints, sums, order and size of what is stored, letters, connections of threads."""
    marked = [
        str(path)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "mark.any_database" in path.read_text() and path != Path(__file__).resolve()
    ]
    # What Django would call the test database, and find migrated.
    prepared.postgres_database("test_" + postgres_url.rpartition("/")[2])
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--reuse-db", "-m", "any_database"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *marked],
        cwd=ROOT,
        env=clean_environment(DATABASE_URL=postgres_url, REDIS_URL=redis_url),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]

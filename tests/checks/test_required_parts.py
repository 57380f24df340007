"""A part that the machine lacks skips its tests, or fails them where it was asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.running_site import clean_environment

NEEDS_REDIS = "tests/setup/test_several_processes.py::test_readyz_names_what_is_missing"


def outcome(root: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-rs", "-p", "no:cacheprovider", NEEDS_REDIS],
        cwd=root,
        env=clean_environment(PATH="/nowhere", **variables),
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_it_is_skipped_with_its_reason(root: Path) -> None:
    said = outcome(root)
    assert "1 skipped" in said
    assert "there is no redis-server on the PATH" in said


def test_it_fails_where_it_is_required(root: Path) -> None:
    said = outcome(root, CHATSITE_TEST_REQUIRE="browser, redis")
    assert "1 error" in said
    assert "redis is required here" in said

"""What the short proofs need of the machine."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import absent
from tests.services import _postgres_programs


@pytest.fixture(scope="session")
def outside_services() -> None:
    """PostgreSQL and Redis are installed; the place starts servers of its own."""
    try:
        _postgres_programs()
    except FileNotFoundError as error:
        absent("postgres", str(error))
    if not shutil.which("redis-server"):
        absent("redis", "there is no redis-server on the PATH.")

"""A whole site in its own process, asking the fake upstream, with one administrator."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_upstream import FakeUpstream
from tests.prepared import data_folder
from tests.running_site import RunningSite

from .person import NAME, PASSWORD, opened


def _variables(upstream: FakeUpstream) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": upstream.url,
        "ANTHROPIC_API_KEY": "sk-test-0123456789",
        "ANTHROPIC_MODEL": "claude-opus-4-5",
        "DJANGO_SUPERUSER_USERNAME": NAME,
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        "CHATSITE_DRAIN_SECONDS": "0.3",
    }


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, session_upstream: FakeUpstream) -> Path:
    """A data folder that a server has been started on: migrated, with its administrator and static files."""
    folder = data_folder(tmp_path_factory.mktemp("prepared") / "data")
    with RunningSite(folder, **_variables(session_upstream)):
        pass
    return folder


@pytest.fixture(scope="module")
def prepared_site(
    tmp_path_factory: pytest.TempPathFactory, prepared: Path, session_upstream: FakeUpstream
) -> Callable[..., RunningSite]:
    """Makes (does not start) a site on a data folder of its own."""

    def make(name: str, **variables: str) -> RunningSite:
        folder = tmp_path_factory.mktemp(name) / "data"
        shutil.copytree(prepared, folder)
        return RunningSite(folder, **{**_variables(session_upstream), **variables})

    return make


@pytest.fixture
def site_of(prepared_site: Callable[..., RunningSite], upstream: FakeUpstream) -> Callable[..., RunningSite]:
    """As `prepared_site`, with nothing left of earlier tests in the upstream."""
    return lambda **variables: prepared_site("site", **variables)


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    """Closes the connections of this test's visitors."""
    yield
    while opened:
        opened.pop().close()

"""One render service for the whole folder: starting its process costs more than most tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conversations.rendering.service import RenderService


@pytest.fixture(scope="session")
def service() -> Iterator[RenderService]:
    service = RenderService()
    yield service
    service.close()

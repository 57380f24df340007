"""What happens where Redis should be asked and is away: people sign in, links open, limits hold (promise P31)."""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from chatsite import redis_cache
from conversations.models import User, Workspace
from tests import patience
from tests.world import Person, finished

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"


@pytest.fixture(params=["refuses", "hangs"])
def away(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The cache is in a Redis that nobody can use."""
    monkeypatch.setattr(redis_cache, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(redis_cache, "_away_until", -math.inf)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            listener.listen()
        use(settings, f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        yield
        cache._own.clear()  # type: ignore[attr-defined]


def use(settings: Any, url: str) -> None:
    settings.CACHES = {"default": {"BACKEND": "chatsite.redis_cache.SharedCache", "LOCATION": url}}


def sign_in(client: Client, password: str = PASSWORD) -> HttpResponse:
    return client.post("/accounts/login/", {"login": "ann", "password": password})  # type: ignore[return-value]


def test_without_redis_people_sign_in_and_guessing_has_its_limit(away: None, client: Client) -> None:
    User.objects.create_user("ann", password=PASSWORD)
    assert sign_in(client).status_code == 302
    for _ in range(configured.LOGIN_FAILURES_PER_ACCOUNT):
        sign_in(Client(), "wrong")
    assert sign_in(Client()).status_code == 200, "the right password comes too late"


def test_without_redis_a_link_opens(away: None, alice: Person) -> None:
    Workspace.objects.create(pk=1, public_links=True)
    sent = alice.start("The question")
    finished(sent["generation"], "The answer.")
    made = alice.post(f"/conversations/{sent['conversation']}/links/", {"public": "on"})
    opened = [Client().get(made.json()["url"]) for _ in range(2)]  # type: ignore[attr-defined]
    assert [page.status_code for page in opened] == [200, 200]
    assert b"The answer." in opened[1].content


def test_redis_that_is_away_is_not_asked_by_every_request(
    away: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="chatsite.redis_cache"):
        cache.set("name", "value")
        assert cache.get("name") == "value"
        assert not cache.add("name", "another")
        assert cache.delete("name")
        assert cache.get("name", "nothing") == "nothing"
    assert len(caplog.records) == 1


@pytest.mark.redis
def test_redis_that_is_back_is_asked_again(
    away: None, settings: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.set("name", "of this process")
    monkeypatch.setattr(redis_cache, "ANSWER_SECONDS", patience.SECONDS)
    use(settings, redis_url)
    assert cache.get("name") == "of this process", "not asked yet"
    monkeypatch.setattr(redis_cache, "_away_until", -math.inf)
    assert cache.get("name") is None
    cache.set("name", "of all")
    assert cache.get("name") == "of all"
    cache.clear()

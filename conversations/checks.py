"""System checks: set-ups that would lose news or text without a word. Run by `check` and by `start`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

LOCAL_CACHES = ("LocMemCache", "DummyCache", "FileBasedCache")


def risky_mixes(processes: int) -> list[str]:
    """What is wrong with serving by so many processes, a sentence each."""
    if processes < 1:
        return ["--workers needs a number of 1 or more."]
    if processes == 1:
        return []
    found = []
    if connections["default"].vendor == "sqlite":
        found.append("Several processes need PostgreSQL: set DATABASE_URL, or start without --workers.")
    if not settings.REDIS_URL or "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"]:
        found.append("Several processes need Redis to tell each other what is new: set REDIS_URL.")
    elif settings.CACHES["default"]["BACKEND"].endswith(LOCAL_CACHES):
        found.append("Several processes need a shared cache, or each counts failed sign-ins for itself.")
    return found


@register(Tags.compatibility)
def several_processes(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """One of the two outside services alone does not make a set-up of several processes."""
    if settings.REDIS_URL and "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"]:
        return [Error("REDIS_URL is set, but the channel layer is in memory.", id="chatsite.E001")]
    if settings.REDIS_URL and settings.CACHES["default"]["BACKEND"].endswith(LOCAL_CACHES):
        return [Error("REDIS_URL is set, but every process has a cache of its own.", id="chatsite.E002")]
    return []


@register(Tags.database)
def durable_commits(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """An acknowledged message is on disk: PostgreSQL must not be told otherwise (promise P1)."""
    if "default" not in (databases or ()) or connections["default"].vendor != "postgresql":
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        value = cursor.fetchone()[0]
    if value == "off":
        return [
            Error("synchronous_commit is off: a crash would lose acknowledged messages.", id="chatsite.E004")
        ]
    return []

"""What may be wrong with an installation, each with how to mend it. Used by `manage.py doctor`."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from chatsite import redis_ping

from ..generation.provider_calls import try_model
from ..models import LanguageModel, Message, Provider

FREE_BYTES = 1024**3
CLOCK_TOLERANCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` is empty when all is well; `grave` when the site cannot work like this."""

    subject: str
    sentence: str
    fix: str = ""
    grave: bool = True


def all_findings(*, ask_providers: bool) -> Iterator[Finding]:
    """Every check, one after the other. One that fails by itself is a finding, too."""
    looks: list[Callable[[], Iterator[Finding]]] = [
        configuration,
        folder,
        database,
        files,
        layer,
        proxy,
        disk,
        clock,
    ]
    for look in looks + ([providers] if ask_providers else []):
        try:
            yield from look()
        except (DatabaseError, OSError) as error:
            fix = "Repair the database and the data folder first."
            yield Finding(look.__name__, f"could not be checked ({type(error).__name__}).", fix)


def configuration() -> Iterator[Finding]:
    messages = checks.run_checks(include_deployment_checks=True)
    found = [one for one in messages if one.level >= checks.WARNING and not one.is_silenced()]
    for message in found:
        yield Finding("configuration", message.msg, message.hint or "See the README's list of variables.")
    if not found:
        reached = f"at {settings.PUBLIC_URL}" if settings.PUBLIC_URL else "on this machine only"
        yield Finding("configuration", f"in order; people reach the site {reached}.")


def folder() -> Iterator[Finding]:
    mode = stat.S_IMODE(settings.DATA_DIR.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "data folder", f"{settings.DATA_DIR} is open to other users of this machine.",
            f"chmod 700 {settings.DATA_DIR}", grave=False,
        )  # fmt: skip
    else:
        yield Finding("data folder", f"{settings.DATA_DIR} is its owner's alone.")


def database() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding("database", "needs its migrations.", "Start the server once, or run manage.py migrate.")
        return
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check(1)")
            answer = cursor.fetchone()[0]
        if answer != "ok":
            yield Finding(
                "database", f"is damaged: {answer}", "Restore the newest backup (manage.py restore)."
            )
            return
    yield Finding("database", f"{connection.display_name}, whole and up to date.")


def files() -> Iterator[Finding]:
    """One is written, read and taken away, as an upload is."""
    place = settings.FILES_URL.partition("?")[0] or str(settings.MEDIA_ROOT)
    try:
        name = default_storage.save("attachments/doctor", ContentFile(b"doctor"))
        with default_storage.open(name) as opened:
            opened.read()
        default_storage.delete(name)
    except OSError as error:
        yield Finding(
            "files", f"cannot be kept in {place}: {error.__cause__ or error}.",
            "Check the space on the disk, or CHATSITE_FILES_URL, the bucket's keys and what they allow.",
        )  # fmt: skip
    else:
        yield Finding("files", f"are kept in {place}.")


def layer() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield Finding("live news", "stay inside one process; only several need REDIS_URL.")
        return
    if failure := redis_ping.failure():
        yield Finding("live news", f"Redis does not answer ({failure}).", "Start it, or correct REDIS_URL.")
    else:
        yield Finding("live news", "Redis answers.")


def proxy() -> Iterator[Finding]:
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield Finding(
            "proxy", "the address is https, but no proxy is trusted: every page would redirect to itself.",
            "Set CHATSITE_TRUSTED_PROXIES to the address of the proxy that terminates TLS; "
            "it must send X-Forwarded-Proto.",
        )  # fmt: skip
    elif settings.TRUSTED_PROXIES and not settings.PUBLIC_URL:
        yield Finding(
            "proxy", "a proxy is trusted, but the site does not know its own address.",
            "Set CHATSITE_PUBLIC_URL to the address that people type.",
        )  # fmt: skip
    else:
        yield Finding(
            "proxy", "trusted as set." if settings.TRUSTED_PROXIES else "none set, and none needed."
        )


def disk() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    sentence = f"{free / 1024**3:.1f} GiB are free on the disk of the data folder."
    if free < FREE_BYTES:
        yield Finding(
            "disk",
            sentence,
            "Free some space: on a full disk no message can be stored.",
            grave=free < FREE_BYTES / 10,
        )
    else:
        yield Finding("disk", sentence)


def clock() -> Iterator[Finding]:
    newest = Message.objects.order_by("-created_at").values_list("created_at", flat=True).first()
    now = timezone.now()
    if newest is not None and newest > now + CLOCK_TOLERANCE:
        yield Finding(
            "clock",
            f"the newest message is from {newest:%Y-%m-%d %H:%M}, but the clock says {now:%Y-%m-%d %H:%M} (UTC).",
            "Set the machine's clock, and keep it set (for example with systemd-timesyncd).",
        )  # fmt: skip
    else:
        yield Finding("clock", f"{now:%Y-%m-%d %H:%M} UTC, not before what is stored.")


def providers() -> Iterator[Finding]:
    """A real call of one token to each provider that people may use; it is booked like any other."""
    found = False
    offered = LanguageModel.objects.answering()
    for provider in Provider.objects.filter(enabled=True).order_by("pk"):
        model = offered.filter(provider=provider).order_by("position", "pk").first()
        if model is not None:
            found = True
            subject = f"provider “{provider.name}”"
            tried = try_model(None, model)
            if tried.works:
                yield Finding(subject, tried.sentence)
            else:
                yield Finding(subject, "does not answer.", tried.sentence)
    if not found:
        fix = "Set ANTHROPIC_API_KEY, or add a provider in the administration."
        yield Finding("provider", "no model is set up.", fix)

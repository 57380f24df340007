"""A backup back into an empty site, checked before anything is touched. Called by `manage.py restore`."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections
from django.db.migrations.loader import MigrationLoader

from chatsite.secret_file import encryption_key

from ..models import Provider, User
from ..models.encryption import SecretUnreadable
from . import database_copy
from .backup import FILES, FORMAT, MANIFEST, SECRETS
from .errors import Invalid

_STORED = re.compile(r"files/attachments/[0-9a-f]{2}/[0-9a-f]{64}-[0-9a-f]{8}")
_TABLE = re.compile(r"tables/[a-z0-9_]+")
_MANIFEST: dict[str, type] = {
    "made_at": str, "database": str, "migrations": list, "columns": dict, "rows": dict, "lost": list, "members": dict,
}  # fmt: skip
_SECRETS: dict[str, type] = {"SECRET_KEY": str, "SECRET_KEY_FALLBACKS": list}
_NOT_WHOLE = "The backup is damaged"


@dataclass(slots=True)
class Report:
    """What came back. `secrets`: "restored", "same", "missing" or "differ"; `replaced`: where the old database is."""

    made_at: str
    rows: dict[str, int]
    files: int
    lost: list[str]
    secrets: str
    unreadable_keys: list[str]
    replaced: Path | None = None


def verify(source: Path) -> dict[str, Any]:
    """The manifest of a backup whose every byte is as it was written. Raises Invalid with what is wrong."""
    try:
        with tarfile.open(source, "r:") as archive:
            found: dict[str, dict[str, Any]] = {}
            manifest: dict[str, Any] | None = None
            for member in archive:
                reader = archive.extractfile(member) if member.isreg() else None
                if reader is None or manifest is not None:
                    raise Invalid(f"{_NOT_WHOLE}: it holds something that no backup writes.")
                if member.name == MANIFEST:
                    manifest = json.load(reader)
                else:
                    digest = hashlib.file_digest(reader, "sha256")  # type: ignore[arg-type]
                    found[member.name] = {"size": member.size, "sha256": digest.hexdigest()}
                    reader.seek(0)
                    if member.name == SECRETS and not _holds(json.load(reader), _SECRETS):
                        raise Invalid(f"{_NOT_WHOLE}: its secrets are none.")
    except (tarfile.TarError, ValueError, EOFError, RecursionError) as error:
        raise Invalid(f"{_NOT_WHOLE}: {error}.") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Invalid(f"{_NOT_WHOLE}, or of another version: it has no manifest at its end.")
    if not _holds(manifest, _MANIFEST) or not all(map(_is_migration, manifest["migrations"])):
        raise Invalid(f"{_NOT_WHOLE}: its manifest lacks something.")
    if found != manifest["members"]:
        raise Invalid(f"{_NOT_WHOLE}: what it holds is not what its manifest says.")
    for name in found:
        if not (name in (database_copy.SQLITE, SECRETS) or _STORED.fullmatch(name) or _TABLE.fullmatch(name)):
            raise Invalid(f"{_NOT_WHOLE}: {name[:80]!r} has no place in a backup.")
    tables = {database_copy.TABLES + table for table in manifest["columns"]}
    if not found.keys() >= (tables if manifest["database"] == "postgresql" else {database_copy.SQLITE}):
        raise Invalid(f"{_NOT_WHOLE}: there is no database in it.")
    return manifest


def _holds(said: Any, parts: dict[str, type]) -> bool:
    return isinstance(said, dict) and all(isinstance(said.get(name), kind) for name, kind in parts.items())


def _is_migration(said: Any) -> bool:
    return isinstance(said, list) and len(said) == 2 and all(isinstance(part, str) for part in said)


def restore(source: Path, *, replace: bool) -> Report:
    """Put the backup in the place of this site's data. No server may be running. Raises Invalid before anything is
    changed; with `replace` a SQLite database that is there is kept beside.
    """
    manifest = verify(source)
    if manifest["database"] != connection.vendor:
        raise Invalid(
            f"The backup is of a {manifest['database']} database, and this site uses {connection.vendor}. "
            "Set DATABASE_URL to one of the same kind."
        )
    known = MigrationLoader(None).disk_migrations
    if any((app, name) not in known for app, name in manifest["migrations"]):
        raise Invalid("The backup was made by a newer version of Chatsite. Restore it with that version.")
    in_the_way = _in_the_way()
    if in_the_way and not replace:
        raise Invalid(f"{in_the_way} To replace all its data with the backup, add --replace.")
    report = Report(manifest["made_at"], {}, 0, manifest["lost"], "missing", [])
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.DATA_DIR) as folder:
        members, secrets = _unpack(source, Path(folder), report)
        if connection.vendor == "sqlite":
            report.rows = database_copy.check_sqlite(members[database_copy.SQLITE])
            if report.rows != manifest["rows"]:
                raise Invalid(f"{_NOT_WHOLE}: it has other rows than its manifest says.")
            report.replaced = _replace_sqlite(members[database_copy.SQLITE], keep=bool(in_the_way))
        else:
            report.rows = database_copy.load_tables(members, manifest["columns"], manifest["migrations"])
    if report.rows != manifest["rows"]:
        raise Invalid(f"{_NOT_WHOLE}: not every row was restored.")
    # A backup of an older version: what follows asks for today's columns.
    call_command("migrate", interactive=False, verbosity=0)
    if secrets is not None:
        report.secrets = _restore_secrets(secrets)
        if report.secrets != "differ":
            _take_over_keys(secrets)
    report.unreadable_keys = _unreadable_keys()
    return report


def _in_the_way() -> str:
    """What this site has to lose, in a sentence; empty when there is nothing."""
    try:
        if User._meta.db_table in connection.introspection.table_names() and User.objects.exists():
            return "This site already has people."
    except DatabaseError as error:
        return f"This site's database cannot be read: {error}."
    return ""


def _unpack(source: Path, folder: Path, report: Report) -> tuple[dict[str, Path], dict[str, Any] | None]:
    """Stored files go to their places at once; the rest waits in the folder until it was checked."""
    members: dict[str, Path] = {}
    secrets: dict[str, Any] | None = None
    with tarfile.open(source, "r:") as archive:
        for number, member in enumerate(archive):
            reader = archive.extractfile(member)
            assert reader is not None
            if member.name == SECRETS:
                secrets = json.load(reader)
            elif member.name.startswith(FILES):
                _keep(member.name.removeprefix(FILES), reader)
                report.files += 1
            elif member.name != MANIFEST:
                members[member.name] = folder / str(number)
                _spill(reader, members[member.name])
    # Where the storage is a disk of this machine, its buffers must not be lost with the power.
    os.sync()
    return members, secrets


def _keep(name: str, reader: Any) -> None:
    """What has this name already is the same file, or a damaged one: every file gets a new name."""
    default_storage.delete(name)
    default_storage.save(name, File(reader))


def _spill(reader: Any, target: Path) -> None:
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        while piece := reader.read(1 << 20):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _replace_sqlite(copy: Path, *, keep: bool) -> Path | None:
    connections.close_all()
    target = Path(connection.settings_dict["NAME"])
    log = target.with_name(target.name + "-wal")
    kept: Path | None = None
    # Asking whether there are people has made an empty file where there was none.
    if keep:
        folder = settings.DATA_DIR / "backups"
        folder.mkdir(exist_ok=True, mode=0o700)
        kept = folder / f"replaced-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.sqlite3"
        shutil.move(target, kept)
        # What is still in the log belongs to the old file, and is found under its name.
        if log.exists():
            shutil.move(log, kept.with_name(kept.name + "-wal"))
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(copy, target)
    return kept


def _restore_secrets(secrets: dict[str, Any]) -> str:
    """The data folder's own secret is replaced; one that the environment gives stays, and the report says so."""
    if secrets["SECRET_KEY"] == settings.SECRET_KEY:
        return "same"
    path = settings.DATA_DIR / "secret_key"
    if not path.exists() or path.read_text().strip() != settings.SECRET_KEY:
        return "differ"
    draft = path.with_name(".secret_key")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(secrets["SECRET_KEY"] + "\n")
    os.replace(draft, path)
    return "restored"


def _take_over_keys(secrets: dict[str, Any]) -> None:
    """A backup made in the middle of a change of secrets holds columns that only an earlier one opens, and that one
    is nowhere but in the backup: they are encrypted anew.
    """
    keys = [encryption_key(secret) for secret in (secrets["SECRET_KEY"], *secrets["SECRET_KEY_FALLBACKS"])]
    settings.FIELD_ENCRYPTION_KEYS = [*keys, *settings.FIELD_ENCRYPTION_KEYS]
    if len(keys) > 1:
        # What no key opens is told with the report.
        with contextlib.suppress(CommandError):
            call_command("rotate_keys", stdout=io.StringIO())


def _unreadable_keys() -> list[str]:
    """Providers whose key or headers cannot be read with the secret keys of this site."""
    names = []
    for provider in Provider.objects.only("name", "api_key", "sealed_headers"):
        try:
            provider.api_key.reveal()
            provider.sealed_headers.reveal()
        except SecretUnreadable:
            names.append(provider.name)
    return names

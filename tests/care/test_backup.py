"""What a backup holds, what restoring refuses, and keys that change. Under load: tests.prove.backup."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.db import connection

from conversations.actions import backup, restore
from conversations.actions.errors import Invalid
from tests import prepared
from tests.attachments.given import stored_file
from tests.running_site import ROOT, RunningSite, clean_environment, manage

KEY = "sk-canary-0123456789abcdef"
SHOW_KEY = "from conversations.models import *; print(Provider.objects.get().api_key.reveal())"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder with a database in it, and its backup without secrets."""
    folder = tmp_path_factory.mktemp("given")
    data, backup = prepared.data_folder(folder / "data"), folder / "backup.tar"
    made = manage(
        data, "shell", "-v0", "-c",
        "from conversations.models import *; User.objects.create_superuser('carol', '', 'x');"
        "p = Provider(name='Ours', dialect='anthropic'); p.set_api_key('" + KEY + "'); p.save()",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = manage(data, "backup", str(backup))
    assert done.returncode == 0, done.stderr
    assert "Not in it: the secret key" in done.stdout
    return data, backup


def test_a_backup_without_secrets_holds_none_and_both_commands_say_so(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    data, backup = given
    content = backup.read_bytes()
    assert (data / "secret_key").read_bytes().strip() not in content
    assert b"sk-canary" not in content
    restored = manage(tmp_path / "copy", "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    assert "Not in the backup: the secret key." in restored.stdout
    assert "keys cannot be read with the current secret key: Ours" in restored.stdout


def test_a_backup_with_secrets_brings_the_key_along_and_is_its_owners_alone(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    backup, copy = tmp_path / "backup.tar", tmp_path / "copy"
    done = manage(given[0], "backup", str(backup), "--with-secrets")
    assert (done.returncode, backup.stat().st_mode & 0o777) == (0, 0o600), done.stderr
    restored = manage(copy, "restore", str(backup))
    assert "The secret key came back" in restored.stdout, restored.stderr
    assert manage(copy, "shell", "-v0", "-c", SHOW_KEY).stdout.strip() == KEY


def test_a_backup_from_the_middle_of_a_change_of_secrets_needs_no_earlier_secret(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    backup, copy = tmp_path / "backup.tar", tmp_path / "copy"
    old, new = (given[0] / "secret_key").read_text().strip(), "n" * 50
    changed = {"SECRET_KEY": new, "CHATSITE_SECRET_KEY_FALLBACKS": old}
    assert manage(given[0], "backup", str(backup), "--with-secrets", **changed).returncode == 0
    restored = manage(copy, "restore", str(backup))
    assert "The secret key came back" in restored.stdout, restored.stderr
    assert "cannot be read" not in restored.stdout
    assert (copy / "secret_key").read_text().strip() == new
    assert manage(copy, "shell", "-v0", "-c", SHOW_KEY).stdout.strip() == KEY


def test_a_backup_of_an_older_version_is_brought_up_to_date(given: tuple[Path, Path], tmp_path: Path) -> None:
    data, backup, copy = tmp_path / "data", tmp_path / "backup.tar", tmp_path / "copy"
    shutil.copytree(given[0], data)
    for command in (("migrate", "conversations", "0008"), ("backup", str(backup), "--with-secrets")):
        done = manage(data, *command)
        assert done.returncode == 0, done.stderr
    restored = manage(copy, "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    assert manage(copy, "shell", "-v0", "-c", SHOW_KEY).stdout.strip() == KEY


def test_a_file_that_is_there_is_not_overwritten(given: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_text("mine")
    assert manage(given[0], "backup", str(target)).returncode == 1
    assert target.read_text() == "mine"


def test_a_site_with_people_is_replaced_only_when_told_and_its_database_is_kept(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    _, backup = given
    other = tmp_path / "other"
    assert manage(other, "restore", str(backup)).returncode == 0
    refused = manage(other, "restore", str(backup))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    done = manage(other, "restore", str(backup), "--replace")
    assert done.returncode == 0, done.stderr
    (kept,) = (other / "backups").glob("replaced-*.sqlite3")
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute("SELECT username FROM conversations_user").fetchall() == [("carol",)]


def test_a_damaged_database_is_named_and_kept_beside_the_backup_that_takes_its_place(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    data, backup = tmp_path / "data", given[1]
    shutil.copytree(given[0], data)
    (data / "db.sqlite3").write_bytes(b"torn" * 5000)
    for command, sentence in (
        (("start", "--port", "0"), "The database cannot be used: file is not a database"),
        (("backup", str(tmp_path / "none.tar")), "No backup was made: file is not a database."),
        (("restore", str(backup)), "add --replace"),
    ):
        refused = manage(data, *command)
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False), refused.stderr
        assert sentence in refused.stderr
    restored = manage(data, "restore", str(backup), "--replace")
    assert restored.returncode == 0, restored.stderr
    (kept,) = (data / "backups").glob("replaced-*")
    assert kept.read_bytes() == b"torn" * 5000


def test_what_is_only_in_the_log_is_kept_with_a_replaced_database(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    """Somebody looks into the file meanwhile: its log cannot be merged into it."""
    data = tmp_path / "data"
    shutil.copytree(given[0], data)
    name = "SELECT username FROM conversations_user"
    with (
        closing(sqlite3.connect(data / "db.sqlite3")) as reader,
        closing(sqlite3.connect(data / "db.sqlite3")) as writer,
    ):
        reader.execute("BEGIN")
        assert reader.execute(name).fetchall() == [("carol",)]
        writer.execute("UPDATE conversations_user SET username = 'dora'")
        writer.commit()
        done = manage(data, "restore", str(given[1]), "--replace")
        assert done.returncode == 0, done.stderr
    (kept,) = (data / "backups").glob("replaced-*.sqlite3")
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute(name).fetchall() == [("dora",)]


def test_a_disk_that_is_full_leaves_no_half_a_copy(given: tuple[Path, Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(given[0], data)
    done = manage(data, "migrate", "conversations", "0008")
    assert done.returncode == 0, done.stderr
    for command in ("start --port 0", f"backup {tmp_path}/none.tar"):
        refused = subprocess.run(
            # No file may grow beyond 200 KB: less than the database has.
            ["sh", "-c", f"ulimit -f 400; exec {sys.executable} manage.py {command}"],
            cwd=ROOT, capture_output=True, text=True,
            env=clean_environment(CHATSITE_DATA_DIR=str(data)),
        )  # fmt: skip
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False), refused.stderr
    assert list((data / "backups").iterdir()) == []
    assert not (tmp_path / "none.tar").exists()


class WornDisk(FileSystemStorage):
    """A disk whose files can be read once."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        return File(_ReadOnce(self.path(name)))


class _ReadOnce(io.FileIO):
    _was_read = False

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if self._was_read:
            raise OSError(errno.EIO, "Input/output error")
        return piece

    def seek(self, *place: int) -> int:
        self._was_read = True
        return super().seek(*place)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_breaks_off_while_it_is_written_ends_the_backup(settings: Any, tmp_path: Path) -> None:
    """Its header was in the archive already: all after it would be unreadable."""
    stored_file(b"x" * 1000, "text/plain")
    worn = {"BACKEND": f"{__name__}.WornDisk"}
    settings.STORAGES = {**settings.STORAGES, "default": worn}
    with pytest.raises(OSError, match="Input/output error"):
        backup.write(tmp_path / "backup.tar", with_secrets=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_gone_or_another_by_now_is_named_and_the_rest_is_whole(tmp_path: Path) -> None:
    kept, gone, other = (stored_file(data, "text/plain") for data in (b"kept", b"gone", b"other"))
    gone.file.storage.delete(str(gone.file))
    Path(other.file.path).write_bytes(b"OTHER")
    report = backup.write(tmp_path / "backup.tar", with_secrets=False)
    assert (report.files, set(report.lost)) == (1, {str(gone.file), str(other.file)})
    with tarfile.open(tmp_path / "backup.tar") as archive:
        names = [name for name in archive.getnames() if name.startswith("files/")]
        assert names == [f"files/{kept.file}"]


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    place = len(content) // 3
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _with_member(name: str) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=out, mode="w") as new:
            for member in old:
                reader = old.extractfile(member)
                assert reader is not None
                body = reader.read()
                if member.name == "manifest.json":
                    manifest = json.loads(body)
                    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of "x"
                    manifest["members"][name] = {"size": 1, "sha256": digest}
                    body = json.dumps(manifest).encode()
                    extra = tarfile.TarInfo(name)
                    extra.size = 1
                    new.addfile(extra, io.BytesIO(b"x"))
                member.size = len(body)
                new.addfile(member, io.BytesIO(body))
        return out.getvalue()

    return changed


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flip,
        lambda _: b"",
        lambda _: b"no backup",
        _with_member("../../outside"),
        _with_member("/tmp/outside"),
    ],
    ids=["cut", "flipped bit", "empty", "something else", "outside", "absolute"],
)
def test_a_damaged_or_hostile_backup_is_refused_before_anything_is_touched(
    given: tuple[Path, Path], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    bad = tmp_path / "bad.tar"
    bad.write_bytes(damage(given[1].read_bytes()))
    target = tmp_path / "target"
    done = manage(target, "restore", str(bad))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "damaged" in done.stderr
    assert not (target / "db.sqlite3").exists()
    assert not list(tmp_path.rglob("outside"))


WHOLE: dict[str, Any] = {
    "format": 1, "made_at": "2026-01-01T00:00:00+00:00", "database": "sqlite", "migrations": [], "columns": {},
    "rows": {}, "lost": [],
}  # fmt: skip


def _archive(manifest: Any, **members: bytes) -> bytes:
    """A backup with these members; the manifest says so, unless it is given as it is to be written."""
    if not isinstance(manifest, bytes):
        said = {
            name: {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in members.items()
        }
        manifest = json.dumps({"members": said, **manifest}).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, body in [*members.items(), ("manifest.json", manifest)]:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        _archive({"format": 1}), _archive(b"[" * 200_000), _archive({**WHOLE, "members": None}), _archive(WHOLE),
        _archive({**WHOLE, "migrations": 5}), _archive({**WHOLE, "migrations": [["conversations"]]}),
        _archive({**WHOLE, "database": "postgresql", "columns": {"t": ["id"]}}),
        *(_archive(WHOLE, **{"database.sqlite3": b"", "secrets.json": text}) for text in (b"[]", b"{", b"{}")),
    ],
    ids=["bare", "deep", "no members", "no database", "no migrations", "half a migration", "no table",
         "no secrets", "half secrets", "empty secrets"],
)  # fmt: skip
def test_a_manifest_that_no_backup_writes_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.tar").write_bytes(content)
    with pytest.raises(Invalid, match="The backup is damaged"):
        restore.verify(tmp_path / "bad.tar")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a backup of SQLite")
@pytest.mark.django_db(transaction=True)
def test_a_database_with_other_rows_than_the_manifest_says_replaces_nothing(
    tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    (tmp_path / "bad.tar").write_bytes(_archive({**WHOLE, "rows": {"t": 1}}, **{"database.sqlite3": b""}))
    with pytest.raises(Invalid, match="other rows than its manifest says"):
        restore.restore(tmp_path / "bad.tar", replace=False)
    assert list(settings.DATA_DIR.iterdir()) == []


def test_a_running_server_keeps_its_data(given: tuple[Path, Path], tmp_path: Path) -> None:
    with RunningSite(prepared.data_folder(tmp_path / "data")) as site:
        done = manage(site.data_dir, "restore", str(given[1]), "--replace")
    assert done.returncode == 1
    assert "A server is working on this data folder" in done.stderr


def test_rotated_keys_are_read_without_the_old_secret(given: tuple[Path, Path], tmp_path: Path) -> None:
    data, _ = given
    old, new = (data / "secret_key").read_text().strip(), "n" * 50
    copy = tmp_path / "copy"
    copy.mkdir()
    with closing(sqlite3.connect(data / "db.sqlite3")) as source:
        source.execute("VACUUM INTO ?", [str(copy / "db.sqlite3")])
    show = ("shell", "-v0", "-c", SHOW_KEY)
    unreadable = manage(copy, "rotate_keys", SECRET_KEY=new)
    assert unreadable.returncode == 1
    assert "cannot be read with any secret key of this site: Ours" in unreadable.stderr
    done = manage(copy, "rotate_keys", SECRET_KEY=new, CHATSITE_SECRET_KEY_FALLBACKS=old)
    assert (done.returncode, done.stdout) == (0, "1 key is encrypted with the current SECRET_KEY.\n")
    assert manage(copy, *show, SECRET_KEY=new).stdout.strip() == KEY
    assert manage(copy, *show, SECRET_KEY=old).returncode == 1


def test_without_a_database_no_key_is_rotated_and_the_reason_is_said(tmp_path: Path) -> None:
    """As before the first start, or with the wrong data folder."""
    done = manage(tmp_path / "data", "rotate_keys")
    assert done.returncode == 1
    assert "The database cannot be used, and nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr

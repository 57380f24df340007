"""What many tests begin from: a migrated data folder, made once for all test processes, and a PostgreSQL server with a
migrated database, made once in each that asks. Everything else starts from copies, since migrations cost more than
most tests.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from .running_site import ROOT, clean_environment
from .services import new_database, postgres_server

MIGRATE = """
import django
django.setup()
from chatsite import data_folder
data_folder.prepare()
data_folder.migrate()
data_folder.collect_static()
"""

_stack = ExitStack()
_owner = os.getpid()
_shared: list[Path] = []


@atexit.register
def _end() -> None:
    # A fork of this process leaves what is its parent's.
    if os.getpid() == _owner:
        _stack.close()


def shared() -> Path:
    """The folder of what several test processes use, made here unless `share` was told of another one."""
    if not _shared:
        _shared.append(_temporary("shared"))
    return _shared[0]


def share(folder: Path) -> None:
    """From now on this process uses what others make in this folder, and makes it there for them."""
    _shared[:] = [folder]


def data_folder(folder: Path) -> Path:
    """`folder`, which is not there yet, becomes the data folder of a site that was migrated and never started."""
    shutil.copytree(_migrated(), folder)
    return folder


def sqlite_database(path: Path) -> None:
    """`path` becomes a migrated database."""
    shutil.copyfile(_migrated() / "db.sqlite3", path)


@cache
def postgres() -> str:
    """Address of a PostgreSQL server, without a database's name. Raises FileNotFoundError when it is not installed."""
    return _stack.enter_context(postgres_server(_temporary("postgres"))).rpartition("/")[0]


def postgres_database(name: str = "") -> str:
    """DATABASE_URL of a new, migrated database."""
    server, _, template = _migrated_database().rpartition("/")
    return new_database(server, template, name)


@cache
def _migrated() -> Path:
    folder, draft = shared() / "data", shared() / "draft"
    with (shared() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _migrate(CHATSITE_DATA_DIR=str(draft))
            draft.rename(folder)
    return folder


@cache
def _migrated_database() -> str:
    url = new_database(postgres())
    # With its static files, or they would be compressed for nobody.
    _migrate(CHATSITE_DATA_DIR=str(data_folder(_temporary("data") / "data")), DATABASE_URL=url)
    return url


def _migrate(**variables: str) -> None:
    environment = clean_environment(DJANGO_SETTINGS_MODULE="chatsite.settings", **variables)
    subprocess.run([sys.executable, "-c", MIGRATE], cwd=ROOT, env=environment, check=True)


def _temporary(name: str) -> Path:
    made = tempfile.TemporaryDirectory(prefix=f"chatsite-{name}-", ignore_cleanup_errors=True)
    return Path(_stack.enter_context(made))

#!/usr/bin/env python3
"""Entry point of every command: keeps `.venv` as the requirements say, goes on inside it, then hands over to
Django.

Until it runs in `.venv` it needs nothing but the standard library, and it must parse on Pythons that are too
old.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from typing import NoReturn

# Where it really is, also when it was called by a link that stands elsewhere.
ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "chatsite-stamp.json")
OLDEST = (3, 11)
PYTHON = "{}.{}".format(*sys.version_info)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")
# Each would let another Python's packages in, or keep our own modules out.
FOREIGN_INSIDE = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH")
# And these would send our packages elsewhere.
FOREIGN = (*FOREIGN_INSIDE, "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__")

# Runs inside `.venv`: are all pins there? Pins with a condition are left out, pip alone can judge them.
CHECK_PINS = """
import re, sys
from importlib.metadata import version
for path in sys.argv[1:]:
    for line in open(path, encoding="utf-8"):
        pin = re.match(r"([A-Za-z0-9._-]+)(?:\\[.*?\\])?==([^ ;\\\\]+)\\s*\\\\?$", line.strip())
        if pin and version(pin[1]) != pin[2]:
            sys.exit(1)
"""


def stop(sentence: str) -> NoReturn:
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def use_a_newer_python() -> NoReturn:
    """Goes on with a newer Python of this machine, or says what to install."""
    import shutil

    for name in NEWER:
        path = shutil.which(name)
        # A name on the PATH may be a shim without a Python behind it.
        if path and subprocess.call([path, "-c", "import venv"], stderr=subprocess.DEVNULL) == 0:
            os.execv(path, [path, os.path.abspath(__file__)] + sys.argv[1:])
    stop(
        f"Chatsite needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is Python {PYTHON}. "
        "Install a newer one (for example python3.13) and run the command again."
    )


def digest(paths: list[str]) -> str:
    found = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            found.update(file.read())
    return found.hexdigest()


def read_stamp() -> dict[str, str]:
    """What `.venv` was made from; empty when it is not there, moved, half made, or of another Python."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
        usable = stamp["folder"] == VENV and os.path.exists(stamp["python"]) and os.path.exists(VENV_PYTHON)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(stamp) if usable else {}


def write_stamp(stamp: dict[str, str]) -> None:
    draft = f"{STAMP}.{os.getpid()}"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(stamp, file)
    os.replace(draft, STAMP)


def ensure_environment(with_tests: bool) -> None:
    """Makes or mends `.venv` so that it holds the pinned requirements; one process at a time."""
    files = [os.path.join(ROOT, "requirements.txt")]
    if with_tests:
        files.append(os.path.join(ROOT, "requirements-dev.txt"))
    part, wanted = ("test" if with_tests else "run"), digest(files)
    if read_stamp().get(part) == wanted:
        return
    with open(files[0], "rb") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        except (ImportError, OSError):
            pass
        stamp = read_stamp()
        if stamp.get(part) == wanted:
            return
        try:
            install(stamp, files[-1])
            python = os.path.realpath(VENV_PYTHON)
            write_stamp({"folder": VENV, "python": python, "run": digest(files[:1]), part: wanted})
        except OSError as error:
            stop(f"The folder {VENV} cannot be written: {error.strerror or error}.")


def install(stamp: dict[str, str], requirements: str) -> None:
    """Brings `.venv` to the pins of `requirements`; makes it anew unless its stamp or its packages vouch for
    it.
    """
    environ = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    # Some people's pip.conf says `user = true`, which pip refuses in here. The rest of it may be needed: an index, say.
    environ["PIP_USER"] = "0"

    def run(*arguments: str) -> int:
        return subprocess.call([VENV_PYTHON] + list(arguments), env=environ, cwd=ROOT)

    if os.path.exists(VENV_PYTHON) and not os.path.exists(STAMP):
        # Made by hand: good when everything is there.
        checked = subprocess.call(
            [VENV_PYTHON, "-c", CHECK_PINS, requirements], env=environ, cwd=ROOT, stderr=subprocess.DEVNULL
        )
        if checked == 0:
            return
    if not stamp:
        make_environment(environ)
    say("Installing the requirements into .venv. This happens once and takes about half a minute …")
    # The tests' file holds every pin of the other one as well. Quiet: pip speaks only of what went wrong.
    if run("-m", "pip", "install", "-qq", "--no-input", "--require-hashes", "-r", requirements) != 0:
        stop("The requirements could not be installed; pip says why above. Run the command again to retry.")


def make_environment(environ: dict[str, str]) -> None:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "This Python cannot make virtual environments: its venv module is missing. "
            f"On Debian or Ubuntu run: sudo apt install python{PYTHON}-venv"
        )
    if os.path.islink(VENV):
        # Somebody else's environment: emptying it would take it away from them.
        os.unlink(VENV)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV], env=environ, stdout=sys.stderr) != 0:
        stop("The virtual environment .venv could not be made; the lines above say why.")


def enter_environment(arguments: list[str]) -> NoReturn:
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ["VIRTUAL_ENV"] = VENV
    os.execv(VENV_PYTHON, [VENV_PYTHON] + arguments)


def pytest_arguments(given: list[str]) -> list[str]:
    """The suite on three processes, unless the caller says how many or debugs: much of it waits for servers, and so
    two cores do the work of three.
    """
    own = any(a in ("--pdb", "--trace") or a.startswith(("-n", "--numprocesses", "no:xdist")) for a in given)
    return ["-m", "pytest"] + ([] if own else ["-n", "3"]) + given


def main() -> None:
    if sys.version_info[:2] < OLDEST:
        use_a_newer_python()
    testing = sys.argv[1:2] == ["test"]
    if not os.environ.get("DJANGO_SETTINGS_MODULE", "chatsite.").startswith("chatsite."):
        # Another project's.
        del os.environ["DJANGO_SETTINGS_MODULE"]
    ensure_environment(testing)
    if testing:
        if not os.getcwd().startswith(ROOT):
            os.chdir(ROOT)
        # Or each of some hundred servers and commands compiles everything anew.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        enter_environment(pytest_arguments(sys.argv[2:]))
    inside = os.path.realpath(sys.prefix) == os.path.realpath(VENV)
    if not inside or any(os.environ.get(name) for name in FOREIGN_INSIDE):
        enter_environment([os.path.abspath(__file__)] + sys.argv[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal of few letters cannot show must not end the command; errors are shown so anyway.
        sys.stdout.reconfigure(errors="backslashreplace")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.configured or settings.DEBUG  # noqa: B018 - reads them now, to say plainly what is wrong
    except ImproperlyConfigured as error:
        stop(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

"""Starts servers quickly: everything is imported once, then each server is a fork that can be killed for real.

Run by `place` as `python -m tests.prove.zygote` with the environment of the site. Reads one JSON order a line, answers
one JSON line. A fork runs `manage.py start` with all that belongs to it; Daphne is imported there, since its reactor
cannot be shared. What Daphne itself imports can, and takes most of the time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOMS = (
    "chatsite.urls", "chatsite.handler", "chatsite.sockets", "conversations.routing", "conversations.views.sending",
    "conversations.generation.supervisor", "conversations.rendering.service", "django.contrib.auth.hashers",
    "django.core.management.commands.migrate", "tests.prove.crashing", "tests.prove.people",
    "twisted.internet.asyncioreactor", "twisted.internet.endpoints", "twisted.web.http", "autobahn.websocket.protocol",
)  # fmt: skip


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    import django

    django.setup()
    for room in ROOMS:
        import_module(room)
    assert "twisted.internet.reactor" not in sys.modules
    signal.signal(signal.SIGCHLD, _reap)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps({"pid": _fork(order)}), flush=True)


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    work = _people if "people" in order else _command if "command" in order else _serve
    _end_with(lambda: work(order))
    return 0


def _serve(order: dict[str, Any]) -> None:
    from django.core.management import call_command

    from .crashing import crash_at

    def arm(*_: Any) -> None:
        crash_at(*json.loads(Path(order["log"]).with_suffix(".crash").read_text()))

    signal.signal(signal.SIGUSR1, arm)
    call_command("start", "--port", str(order["port"]), *order.get("arguments", []))


def _command(order: dict[str, Any]) -> None:
    from django.core.management import call_command

    from .crashing import crash_at

    if order["point"]:
        crash_at(order["point"], order["hits"])
    call_command(*order["command"])


def _people(order: dict[str, Any]) -> None:
    from .people import make

    make(order["people"], order["administrators"])


def _end_with(work: Callable[[], None]) -> None:
    status = 1
    try:
        work()
        status = 0
    except SystemExit as ending:
        status = int(ending.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _reap(*_: Any) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()

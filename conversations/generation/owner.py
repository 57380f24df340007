"""Who works on an answer: the identity of this process, and whether another one on this machine is still alive."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def identity() -> str:
    """`machine/boot/pid/start`: unique over restarts, since a pid alone comes back."""
    return "/".join((_machine(), _boot(), str(os.getpid()), _started(os.getpid())))


def is_gone(owner: str) -> bool:
    """True when the owner was a process of this machine that has ended. Unknown machines are never called gone."""
    parts = owner.split("/")
    if len(parts) != 4 or parts[0] != _machine():
        return False
    _, boot, pid, started = parts
    return boot != _boot() or _started(int(pid)) != started


@cache
def _machine() -> str:
    # Containers share a kernel but not the process numbers: the namespace is part of the machine.
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}+{namespace}".replace("/", "_")


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """The process's start in clock ticks since boot; "" when it does not run (or the system does not tell)."""
    try:
        # The name in parentheses may hold spaces; the state is the first field after it, the start time the 20th.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A dead process stays in the list until somebody asks for its status, which in a container may be never.
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"


# A worker that was forked is another process.
os.register_at_fork(after_in_child=identity.cache_clear)

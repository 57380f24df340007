"""What the child gives up before it looks at a file: memory, time, disk, network, other programs, the files of others.

Linux on x86_64 and aarch64 enforces it where the kernel has seccomp and, for files, Landlock; elsewhere Python's own
doors are shut and the rest is best effort. A decoder that was taken over can still copy its process, each copy with the
same limits; without Landlock it can also read and write what the server can.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, NoReturn

from . import landlock

NICENESS = 10
_LARGEST_FILE = 256 * 1024 * 1024
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_MODE_FILTER = 2
# Audit architecture; socket, socketpair, connect, io_uring_setup, execve, execveat, ptrace; first foreign call number.
_ARCHITECTURES = {
    "x86_64": (0xC000003E, (41, 53, 42, 425, 59, 322, 101), 0x40000000),
    "aarch64": (0xC00000B7, (198, 199, 203, 425, 221, 281, 117), 0xFFFFFFFF),
}
# i386 and ARM: their programs run beside those of 64 bits, and their calls have other numbers.
_OLD = (0x40000003, 0x40000028)
_FORBIDDEN_EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
)


def confine(memory: int, cpu_seconds: int, folder: Path) -> None:
    """Limits this process for the rest of its life; its results go into the folder. Call after the imports and before
    the first byte of a file.
    """
    # Several libraries ask for more CPU after a warning: the hard limit follows a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if hasattr(os, "sched_setaffinity"):
        # The server keeps to one core, and this process would be kept there as well.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _forbid_system_calls(folder)
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: Any) -> None:
    """Python's own way to a network or to another program (Ghostscript, say) ends here, on every system."""
    if event.startswith(_FORBIDDEN_EVENTS):
        _not_allowed(event)


def _not_allowed(event: str) -> NoReturn:
    raise PermissionError(f"{event} is not allowed in this process")


def _forbid_system_calls(folder: Path) -> None:
    """A seccomp filter, and Landlock: neither sockets nor programs nor files of others, also for a decoder that was
    taken over. Ends with the server.

    The numbers are those of 64-bit processes; a call of the 32-bit kind, as `int 0x80` makes it, ends the process.
    """
    found = _ARCHITECTURES.get(os.uname().machine)
    if sys.platform != "linux" or found is None or struct.calcsize("P") != 8:
        return
    architecture, denied, foreign = found
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050001, 0x80000000
    checks = [(equal, number) for number in denied] + [(at_least, foreign)]
    program = [(load, 0, 0, 4), (equal, len(_OLD) + 2, 0, architecture)]
    # What translates programs for another machine has calls of its own: only the old kinds are known to be a way round.
    program += [(equal, len(_OLD) - place, 0, number) for place, number in enumerate(_OLD)]
    program += [(answer, 0, 0, allow), (answer, 0, 0, kill), (load, 0, 0, 0)]
    program += [(code, len(checks) - place, 0, number) for place, (code, number) in enumerate(checks)]
    program += [(answer, 0, 0, allow), (answer, 0, 0, refuse)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    # A kernel without seccomp keeps the limits above.
    with contextlib.suppress(OSError, AttributeError):
        instructions = ctypes.create_string_buffer(code)
        filter = ctypes.create_string_buffer(
            struct.pack("H6xP", len(program), ctypes.addressof(instructions))
        )
        prctl = ctypes.CDLL(None).prctl
        prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(filter), 0, 0)
        landlock.keep_to(folder)

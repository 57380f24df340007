"""Keeps the resident memory of a server small. Used by `start` and `server`."""

from __future__ import annotations

import contextlib
import ctypes
import gc

_M_ARENA_MAX = -8


def share_one_heap() -> None:
    """Call before the first thread: the C library would give each one a heap with holes of its own, and threads that
    take turns at one Python need no more than one.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Migrations, static files and imports leave a heap with holes; what lives now lives for ever."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)

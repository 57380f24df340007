"""Clients that do not take what is written for them: how little the system holds for them, and when it is enough.

Used by `requests` (event streams) and `websocket`.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from django.conf import settings

# What of a connection the kernel holds unsent.
KERNEL_BYTES = 64 * 1024
# How often, in SOCKET_ACK_TIMEOUT, a full connection is looked at.
LOOKS = 4


def hold_little(transport: Any) -> None:
    """Or the kernel takes megabytes for a reader that has stopped, and nobody here hears of it."""
    with contextlib.suppress(AttributeError, OSError):  # not every system has it
        transport.getHandle().setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_BYTES)


def look_seconds() -> float:
    """The time between two looks."""
    return float(settings.SOCKET_ACK_TIMEOUT) / LOOKS


class Patience:
    """For one wait on a full connection. It is over when the client has taken nothing for SOCKET_ACK_TIMEOUT."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._least, self._since = self._unwritten(), time.monotonic()

    def _unwritten(self) -> int:
        return len(self._transport.dataBuffer) + int(self._transport._tempDataLen)

    def is_over(self) -> bool:
        if (unwritten := self._unwritten()) < self._least:
            self._least, self._since = unwritten, time.monotonic()
        return time.monotonic() - self._since >= settings.SOCKET_ACK_TIMEOUT

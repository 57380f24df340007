"""Runs the child for one file: how many at once, how long, and what its end means. Called by `actions.uploads` and
`actions.large_pictures`.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from .limits import Limits
from .refusal import FileRefused
from .reply import checked

logger = logging.getLogger(__name__)

# Not `-m`: what finds a module's file is a tenth of the time of a small one.
_PROGRAM = "from conversations.attachments.child import main; main()"
_ROOT = Path(__file__).resolve().parents[2]
_TOO_LONG = "This file takes too long to read. Make it smaller or simpler and attach it again."
_UNREADABLE = "This file cannot be read: it is damaged."
_LARGEST_REPLY = 64 * 1024
_LONGEST_POLL = 2**31 - 1  # milliseconds, which the system counts in an int
_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)


def limits() -> Limits:
    """The bounds that the settings name."""
    return Limits(
        max_pixels=settings.IMAGE_MAX_PIXELS,
        max_side=settings.IMAGE_MAX_SIDE,
        max_frames=settings.IMAGE_MAX_FRAMES,
        sent_side=settings.IMAGE_SENT_SIDE,
        sent_base64=settings.IMAGE_SENT_BASE64_BYTES,
        thumbnail_side=settings.IMAGE_THUMBNAIL_SIDE,
        pdf_pages=settings.PDF_MAX_PAGES,
        pdf_unpacked=settings.PDF_MAX_UNPACKED_BYTES,
        memory=settings.ATTACHMENT_CHILD_MEMORY,
        cpu_seconds=settings.ATTACHMENT_CHILD_CPU_SECONDS,
    )


def run(task: str, media_type: str, source: IO[bytes], folder: Path, bounds: Limits) -> dict[str, Any]:
    """What the child says about the file that `source`, a real file at its start, holds.

    Its files are in `folder` afterwards. Waits while ATTACHMENT_CHILDREN others are running. Raises FileRefused, and
    OSError where there is no process or no room to be had.
    """
    job = {
        "task": task,
        "media_type": media_type,
        "folder": str(folder),
        "limits": bounds._asdict(),
    }
    with _places():
        # An empty environment: the process must not hold the server's secrets.
        child = subprocess.Popen(
            [sys.executable, "-E", "-s", "-c", _PROGRAM, json.dumps(job)],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={},
        )
        ends_at = time.monotonic() + settings.ATTACHMENT_CHILD_SECONDS
        assert child.stdout is not None
        try:
            with child.stdout as said:
                output = _heard(said.fileno(), ends_at)
            child.wait(max(ends_at - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            raise FileRefused("too_large", _TOO_LONG) from None
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    return _reply(child.returncode, output, task, media_type, folder)


def _heard(said: int, ends_at: float) -> bytes:
    """What comes through this pipe until its end, or until the time is over; not much, since a decoder that was taken
    over could fill the server's memory, and have a copy of itself keep the pipe open.
    """
    output = b""
    poll = select.poll()
    poll.register(said, select.POLLIN)
    while len(output) < _LARGEST_REPLY:
        left = max(ends_at - time.monotonic(), 0) * 1000
        if not poll.poll(min(left, _LONGEST_POLL)):
            break
        piece = os.read(said, _LARGEST_REPLY)
        if not piece:
            break
        output += piece
    return output


def _reply(code: int, output: bytes, task: str, media_type: str, folder: Path) -> dict[str, Any]:
    if code in _OUT_OF_TIME:
        raise FileRefused("too_large", _TOO_LONG)
    try:
        reply = checked(json.loads(output), task, media_type, folder) if code == 0 else {}
    except (ValueError, RecursionError):
        reply = {}
    if not reply:
        # A decoder that crashed or was taken over: the file is at fault, and operators may want to know.
        logger.warning("The process that reads a file (%s) ended with %d.", media_type, code)
        raise FileRefused("invalid", _UNREADABLE)
    if "no_room" in reply:
        raise OSError(reply["no_room"], "There is no room for what a file is turned into.")
    if "refused" in reply:
        raise FileRefused(reply["refused"], reply["message"])
    return reply


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.ATTACHMENT_CHILDREN)

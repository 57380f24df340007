"""The child process: looks at one file and ends. Started by `process` for each file, so that every module that is
imported here makes somebody wait.

The file is standard input, the job is JSON in the first argument; results are files in the job's folder and one JSON
object on standard output. No Django and no secrets are in this process, and a file that takes it over finds neither
network nor programs nor, where the kernel has Landlock, other files.
"""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any

from . import confinement
from .kinds import PDF, PICTURES
from .limits import Limits
from .refusal import FileRefused

UNREADABLE_PICTURE = "This is not a readable picture: it is damaged or not complete."
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
TOO_MUCH_MEMORY = "This file needs more memory than one file may have. Make it smaller and attach it again."


def answer(job: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Does the job: `task` is freeze or variant, `media_type` what the bytes were recognised as."""
    media_type, folder = job["media_type"], Path(job["folder"])
    source = sys.stdin.buffer
    if media_type in PICTURES:
        from . import pictures

        task = pictures.freeze_variant if job["task"] == "variant" else pictures.freeze
        confinement.confine(limits.memory, limits.cpu_seconds, folder)
        try:
            return task(source, media_type, limits, folder)
        except (FileRefused, MemoryError):
            raise
        except Exception as error:  # whatever a broken file provokes in a decoder
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise
            raise FileRefused("invalid", UNREADABLE_PICTURE) from None
    from . import documents

    if media_type == PDF:
        import pypdf  # noqa: F401 - before the process is confined

        confinement.confine(limits.memory, limits.cpu_seconds, folder)
        return documents.check_pdf(source, limits)
    confinement.confine(limits.memory, limits.cpu_seconds, folder)
    return documents.freeze_text(source, media_type, folder)


def main() -> None:
    job = json.loads(sys.argv[1])
    try:
        reply = answer(job, Limits(**job["limits"]))
    except FileRefused as refused:
        reply = {"refused": refused.kind, "message": refused.message}
    except (MemoryError, RecursionError):
        reply = {"refused": "too_large", "message": TOO_MUCH_MEMORY}
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        reply = {"no_room": error.errno}
    sys.stdout.write(json.dumps(reply))

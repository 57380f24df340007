"""A file that is not taken, with the sentence for the person who gave it. Raised on both sides of the child process."""

from __future__ import annotations

from typing import Literal

Kind = Literal["unsupported", "invalid", "too_large"]


class FileRefused(Exception):
    """`kind` decides the status of the answer; the message is a plain sentence that says what to do."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message


def megabytes(size: int, kilo: int = 1024) -> str:
    """A size for people: `23.4 MB`, or `12.3 KB` where that would be less than a tenth of one. `kilo` is 1000 where a
    service counts so.
    """
    mega = kilo * kilo
    number, unit = (size / kilo, "KB") if size < mega / 10 else (size / mega, "MB")
    return f"{number:.1f}".removesuffix(".0") + f" {unit}"


def beyond(size: str, limit: str) -> str:
    """The size of what is over a limit, where rounding may make both read alike: `more than 20 MB`."""
    return f"more than {limit}" if size == limit else size

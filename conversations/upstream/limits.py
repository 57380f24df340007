"""The bounds of one upstream call (promises section 4); the settings fill it, tests scale it."""

from __future__ import annotations

from dataclasses import dataclass, replace

_SECONDS = ("connect", "first_byte", "silence", "progress", "total", "backoff", "backoff_cap")


@dataclass(frozen=True, slots=True)
class Limits:
    """All times in seconds, all sizes in bytes."""

    connect: float = 10.0
    first_byte: float = 60.0
    silence: float = 60.0
    progress: float = 180.0
    total: float = 900.0
    max_request_bytes: int = 32_000_000
    max_event_bytes: int = 1024 * 1024
    max_answer_bytes: int = 4 * 1024 * 1024
    max_retries: int = 2
    retry_after_cap: float = 60.0
    backoff: float = 0.5
    backoff_cap: float = 8.0

    def scaled(self, factor: float) -> Limits:
        """The same bounds with our own waiting times multiplied by `factor`; sizes, counts and the upstream's
        wishes stay.
        """
        return replace(self, **{name: getattr(self, name) * factor for name in _SECONDS})

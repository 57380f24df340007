"""What a run measured, from the arrival times of its text. Used by the load client and by the bare reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

# The load mode of the fake upstream: each delta's text is its number and the moment when it was sent.
_STAMP = re.compile(r"(\d+) (\d+\.\d{6})\s*")


@dataclass
class Arrival:
    """One chat as its reader saw it: times are epoch seconds, `pieces` the text with the time it came."""

    began: float
    pieces: list[tuple[float, str]] = field(default_factory=list)
    failure: str = ""

    @property
    def text(self) -> str:
        return "".join(piece for _, piece in self.pieces)


@dataclass
class Figures:
    """Times in milliseconds, `rate` in deltas per second between the first and the last delta."""

    chats: int
    first: list[float]
    latency: list[float]
    rate: float
    cpu: float
    """CPU-seconds per 10,000 deltas."""
    failures: list[str]
    rendering_cpu: float = 0.0
    """The part of `cpu` that processes other than the first one used."""
    answered: list[float] = field(default_factory=list)
    """From the POST to its 201."""
    peak: float = 0.0
    """MiB, of all processes."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def figures(
    arrivals: list[Arrival], deltas: int, cpu_seconds: float, rendering_seconds: float = 0.0
) -> Figures:
    """Checks that every chat got deltas 0 … `deltas` - 1 once and in order, and sums up the times."""
    first: list[float] = []
    latency: list[float] = []
    failures: list[str] = []
    came: list[float] = []
    for arrival in arrivals:
        # A piece may hold many deltas; none is cut in two, since only whole ones are merged.
        stamps = [(at, *found) for at, piece in arrival.pieces for found in _STAMP.findall(piece)]
        failure = arrival.failure or _disorder([int(number) for _, number, _ in stamps], deltas)
        if not failure and _STAMP.sub("", arrival.text):
            failure = "other text than was sent"
        if failure:
            failures.append(failure)
        if stamps:
            first.append((stamps[0][0] - arrival.began) * 1000)
            latency.extend((at - float(sent)) * 1000 for at, _, sent in stamps)
            came.extend((stamps[0][0], stamps[-1][0]))
    total = len(latency)
    span = max(came) - min(came) if came else 0.0
    per_10000 = 10_000 / total if total else 0.0
    return Figures(
        chats=len(arrivals),
        first=sorted(first),
        latency=sorted(latency),
        rate=total / span if span else 0.0,
        cpu=cpu_seconds * per_10000,
        rendering_cpu=rendering_seconds * per_10000,
        failures=failures,
    )


def percentile(ordered: list[float], percent: float) -> float:
    """The value that `percent` of the sorted values do not exceed; NaN of none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _disorder(numbers: Iterable[int], deltas: int) -> str:
    expected = 0
    for number in numbers:
        if number != expected:
            return f"delta {number} came where {expected} should be"
        expected += 1
    return "" if expected == deltas else f"{expected} of {deltas} deltas came"

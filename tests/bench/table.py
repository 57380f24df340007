"""The printed table: every figure with the bare reader's beside it, and the aim. Used by `__main__`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .figures import Figures, percentile

HEADER = (
    "", "", "POST → 201 p50 / p95", "first delta p50 / p95", "latency p50 / p95 / p99", "deltas/s",
    "CPU-s per 10,000 (rendering)", "peak MiB", "failed",
)  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """Highest first delta p50 and latency p95 in ms, highest CPU-s per 10,000 deltas, lowest rate."""

    first: float | None = None
    latency: float | None = None
    cpu: float | None = None
    rate: float | None = None

    def row(self) -> tuple[str, ...]:
        return (
            "", "aim", "",
            f"≤ {self.first:,.0f}" if self.first else "",
            f"p95 ≤ {self.latency:,.0f}" if self.latency else "",
            f"≥ {self.rate:,.0f}" if self.rate else "",
            f"≤ {self.cpu:.1f}" if self.cpu else "",
            "", "0",
        )  # fmt: skip


def row(title: str, name: str, found: Figures) -> tuple[str, ...]:
    rendering = f" ({found.rendering_cpu:.2f})" if found.rendering_cpu >= 0.005 else ""
    return (
        title,
        name,
        _milliseconds(found.answered, 50, 95) if found.answered else "",
        _milliseconds(found.first, 50, 95),
        _milliseconds(found.latency, 50, 95, 99),
        f"{found.rate:,.0f}",
        f"{found.cpu:.2f}{rendering}",
        f"{found.peak:.0f}",
        str(len(found.failures)),
    )


def text(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(_line(cells, widths) for cells in rows)


def _line(cells: Iterable[str], widths: list[int]) -> str:
    return "  ".join(
        cell.ljust(width) if number < 2 else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def _milliseconds(ordered: list[float], *percents: float) -> str:
    values = [percentile(ordered, percent) for percent in percents]
    return " / ".join(f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in values)

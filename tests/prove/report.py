"""What a proof found: one line per promise with the figure reached, the figure asked and the seed to repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Finding:
    """`failures` are sentences; `figures` are (name, reached, asked) with "at most" as the meaning of asked."""

    promise: str
    where: str
    asked: str
    seed: int
    runs: int = 0
    failures: list[str] = field(default_factory=list)
    figures: dict[str, tuple[float, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fail(self, sentence: str) -> None:
        self.failures.append(sentence)

    def check(self, truth: bool, sentence: str) -> None:
        if not truth:
            self.fail(sentence)

    def note(self, sentence: str) -> None:
        """What helps to read the figures."""
        self.notes.append(sentence)

    def most(self, name: str, value: float, asked: float) -> None:
        """Keeps the largest value of a figure that must not grow beyond `asked`."""
        before = self.figures.get(name, (float("-inf"), asked))[0]
        self.figures[name] = (max(before, value), asked)

    @property
    def missed(self) -> list[str]:
        return [name for name, (reached, asked) in self.figures.items() if reached > asked]

    @property
    def is_good(self) -> bool:
        return not self.failures and not self.missed

    def line(self) -> str:
        figures = "; ".join(
            f"{name} {reached:.4g} (≤{asked:g})" for name, (reached, asked) in self.figures.items()
        )
        verdict = "holds" if self.is_good else "BROKEN"
        return (
            f"{self.promise} {verdict} · {self.where} · {self.runs} runs, {len(self.failures)} failures · "
            f"asked: {self.asked}{' · ' + figures if figures else ''} · seed {self.seed}"
        )

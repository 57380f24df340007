"""`python -m tests.prove [name …] [--runs N] [--on sqlite|postgres] [--seed S] [--minutes M]`: one line per promise."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from importlib import import_module

from .place import POSTGRES, SQLITE
from .report import Finding

PROOFS = {
    "kills": 100, "stops": 50, "cuts": 50, "slow": 1, "floods": 1, "bodies": 1, "sends": 100, "deploys": 2, "loss": 40,
    "uploads": 50, "team": 2, "crossing": 1, "files": 1, "backup": 20,
    "rights": 50, "pages": 40,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(PROOFS))
    parser.add_argument(
        "--runs", type=int, default=0, help="runs of each proof (a number of its own otherwise)"
    )
    parser.add_argument("--on", choices=(SQLITE, POSTGRES), help="one database instead of both")
    parser.add_argument("--seed", type=int, default=0, help="repeats a run")
    parser.add_argument("--minutes", type=float, default=0, help="begins again until this time is over")
    options = parser.parse_args()
    names = options.names or list(PROOFS)
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        parser.error(f"there is no proof “{unknown[0]}”; choose from {', '.join(PROOFS)}")
    ends, good = time.monotonic() + options.minutes * 60, True
    while True:
        for name in names:
            for database in [options.on] if options.on else [SQLITE, POSTGRES]:
                seed = options.seed or random.randrange(1, 1_000_000)
                for finding in prove(name, options.runs or PROOFS[name], seed, database):
                    good = good and finding.is_good
                    print(f"{name}: {finding.line()}", flush=True)
                    for line in finding.failures[:10] + finding.notes[-6:]:
                        print(f"    {line}", flush=True)
        if time.monotonic() >= ends:
            return 0 if good else 1


def prove(name: str, runs: int, seed: int, database: str) -> list[Finding]:
    """The findings of one proof."""
    module = import_module(f"tests.prove.{name}")
    findings: list[Finding] = asyncio.run(module.prove(runs, seed, database))
    return findings


if __name__ == "__main__":
    sys.exit(main())

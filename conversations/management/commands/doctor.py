"""`manage.py doctor`: looks at everything that an installation needs, and says how to mend what is wrong."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from conversations.management import diagnosis


class Command(BaseCommand):
    help = "Checks configuration, database, live news, proxy, disk, clock and, with a call of one token, providers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--offline", action="store_true", help="Ask no provider; the calls cost a little."
        )

    def handle(self, *args: Any, offline: bool, **options: Any) -> None:
        bad = 0
        for finding in diagnosis.all_findings(ask_providers=not offline):
            mark = "ok  " if not finding.fix else "FAIL" if finding.grave else "warn"
            self.stdout.write(f"{mark}  {finding.subject}: {finding.sentence}")
            if finding.fix:
                self.stdout.write(f"      → {finding.fix}")
                bad += finding.grave
        if bad:
            sys.exit(1)

"""`manage.py backup FILE`: database, stored files and a manifest in one file, while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import pluralize

from conversations.actions import audit, backup, database_copy


class Command(BaseCommand):
    help = "Writes a backup of the whole site into one file; the server may go on running."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The file to make, for example backup.tar.")
        parser.add_argument(
            "--with-secrets",
            action="store_true",
            help="Include the secret keys that decrypt providers' keys.",
        )

    def handle(self, *args: Any, file: Path, with_secrets: bool, **options: Any) -> None:
        try:
            report = backup.write(file, with_secrets=with_secrets)
        except (OSError, database_copy.Damaged, DatabaseError) as error:
            raise CommandError(f"No backup was made: {error}.") from None
        audit.record(None, "backup_made", actor_name="command line", with_secrets=with_secrets)
        rows = sum(report.rows.values())
        self.stdout.write(
            f"{file}: {rows:,} rows, {report.files:,} file{pluralize(report.files)}, {report.size:,} bytes."
        )
        if report.with_secrets:
            self.stdout.write("It holds the secret keys: whoever has the file can read providers' keys.")
        else:
            self.stdout.write(
                "Not in it: the secret key (SECRET_KEY, or secret_key in the data folder). Keep it elsewhere; without "
                "it providers' keys must be entered again and everybody has to sign in again. "
                "--with-secrets includes it."
            )
        if report.lost:
            some = ", ".join(report.lost[:5])
            raise CommandError(
                f"Missing or damaged, and so not in it: {len(report.lost)} stored file{pluralize(report.lost)}: {some}"
            )

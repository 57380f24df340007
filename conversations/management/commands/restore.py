"""`manage.py restore FILE`: a backup back into this site, checked first. The server must be stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.template.defaultfilters import pluralize

from chatsite import data_folder
from conversations.actions import audit, database_copy, restore
from conversations.actions.errors import Invalid


class Command(BaseCommand):
    help = "Replaces this site's data with a backup. Stop the server first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The backup.")
        parser.add_argument("--replace", action="store_true", help="Even if this site already has people.")
        parser.add_argument("--verify", action="store_true", help="Only check that the backup is whole.")

    def handle(self, *args: Any, file: Path, replace: bool, verify: bool, **options: Any) -> None:
        try:
            if verify:
                manifest = restore.verify(file)
                self.stdout.write(
                    f"{file} of {manifest['made_at']} is whole: {len(manifest['members'])} parts."
                )
                return
            data_folder.prepare()
            with data_folder.lock() if connection.vendor == "sqlite" else open(os.devnull):
                report = restore.restore(file, replace=replace)
        except data_folder.Occupied:
            raise CommandError("A server is working on this data folder. Stop it first.") from None
        except Invalid as error:
            raise CommandError(error.message) from None
        except (OSError, DatabaseError, database_copy.Damaged) as error:
            raise CommandError(f"The backup could not be restored: {error}.") from None
        self._say(report)
        audit.record(None, "backup_restored", actor_name="command line", made_at=report.made_at)

    def _say(self, report: restore.Report) -> None:
        rows = sum(report.rows.values())
        self.stdout.write(
            f"Restored the site as it was at {report.made_at}: {rows:,} rows, "
            f"{report.files:,} file{pluralize(report.files)}."
        )
        if report.replaced:
            self.stdout.write(f"The database that was here is kept as {report.replaced}.")
        if report.secrets == "restored":
            self.stdout.write(
                "The secret key came back as well: people stay signed in, providers' keys work."
            )
        elif report.secrets == "differ":
            self.stdout.write(
                "SECRET_KEY of the environment is not the backup's. Set the backup's as SECRET_KEY, or add it to "
                "CHATSITE_SECRET_KEY_FALLBACKS and run manage.py rotate_keys."
            )
        elif report.secrets == "missing":
            self.stdout.write(
                "Not in the backup: the secret key. Unless it is the same here, everybody has to sign in again."
            )
        if report.unreadable_keys:
            names = ", ".join(report.unreadable_keys)
            self.stdout.write(
                f"These providers' keys cannot be read with the current secret key: {names}. "
                "Enter them again in the administration."
            )
        if report.lost:
            self.stdout.write(
                f"Already missing when the backup was made: {len(report.lost)} stored file{pluralize(report.lost)}."
            )
        self.stdout.write("Now start the server.")

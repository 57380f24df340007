"""`manage.py sweep_attachments`: what the server's loop does by itself, for installations that want it by cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import pluralize

from conversations.actions import attachments


class Command(BaseCommand):
    help = "Removes uploads that were never sent and bytes that no file refers to."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        count = attachments.sweep()
        self.stdout.write(f"{count} stored file{pluralize(count)} removed.")

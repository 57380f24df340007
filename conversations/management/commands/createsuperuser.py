"""`manage.py createsuperuser`: Django's own, but an administrator who is made by it is in the audit record."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from conversations.actions import audit_signals


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with audit_signals.by_command("administrator_created"):
            return super().handle(*args, **options)

"""`manage.py changepassword`: Django's own, but a password that is changed by it is in the audit record."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword

from conversations.actions import audit_signals


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with audit_signals.by_command("password_changed"):
            return super().handle(*args, **options)

"""The one Django app."""

from __future__ import annotations

import atexit

from django.apps import AppConfig

from chatsite import database_connections


class ConversationsConfig(AppConfig):
    name = "conversations"
    label = "conversations"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Chat"

    def ready(self) -> None:
        from . import checks  # noqa: F401 - registers itself
        from .actions import audit_signals

        audit_signals.connect()
        atexit.register(database_connections.close)

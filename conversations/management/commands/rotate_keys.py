"""`manage.py rotate_keys`: encrypts providers' keys with the newest SECRET_KEY, so that older ones can go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.actions import audit
from conversations.actions.transaction import writing
from conversations.models import Provider
from conversations.models.encryption import SecretUnreadable


class Command(BaseCommand):
    help = (
        "Encrypts providers' keys with the newest SECRET_KEY. Before: put the new key into SECRET_KEY and the old one "
        "into CHATSITE_SECRET_KEY_FALLBACKS. After: take the old one out again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rotated, unreadable = 0, []
        with writing():
            for provider in Provider.objects.select_for_update().order_by("pk"):
                if not provider.api_key:
                    continue
                try:
                    fresh = provider.api_key.rotated()
                except SecretUnreadable:
                    unreadable.append(provider.name)
                    continue
                Provider.objects.filter(pk=provider.pk).update(api_key=fresh)
                audit.record(None, "key_rotated", provider, actor_name="command line", name=provider.name)
                rotated += 1
        self.stdout.write(f"{rotated} keys are encrypted with the present SECRET_KEY.")
        if unreadable:
            raise CommandError(
                f"These keys cannot be read with any secret key of this site: {', '.join(unreadable)}. "
                "Enter them again in the administration, or add the key that they were encrypted with to "
                "CHATSITE_SECRET_KEY_FALLBACKS."
            )

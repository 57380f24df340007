"""`manage.py rotate_keys`: encrypts what is kept encrypted (providers' keys and headers, secrets of second steps) with
the newest SECRET_KEY, so that older ones can go.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.template.defaultfilters import pluralize

from conversations.actions import audit
from conversations.actions.transaction import writing
from conversations.models import Provider
from conversations.models.encryption import Secret, SecretUnreadable

# Where allauth keeps what an authenticator knows.
_SECRETS = {"secret", "seed"}


class Command(BaseCommand):
    help = (
        "Encrypts stored keys with the newest SECRET_KEY. Before: put the new key into SECRET_KEY and the old one "
        "into CHATSITE_SECRET_KEY_FALLBACKS. After: take the old one out again."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotated, unreadable = _rotate()
        except DatabaseError as error:
            raise CommandError(
                f"The database cannot be used, and nothing was changed: {error}".strip()
            ) from None
        self.stdout.write(
            f"{rotated} key{pluralize(rotated, ' is,s are')} encrypted with the current SECRET_KEY."
        )
        if unreadable:
            raise CommandError(
                f"These keys cannot be read with any secret key of this site: {', '.join(unreadable)}. "
                "Enter them again in the administration, or add the key that they were encrypted with to "
                "CHATSITE_SECRET_KEY_FALLBACKS."
            )


def _rotate() -> tuple[int, list[str]]:
    """Everything or nothing: how many providers have their keys encrypted anew, and names of what no secret can read.

    Raises DatabaseError.
    """
    rotated = 0
    unreadable: list[str] = []
    with writing():
        for provider in Provider.objects.select_for_update().order_by("pk"):
            if not (provider.api_key or provider.sealed_headers):
                continue
            try:
                fresh = {
                    "api_key": provider.api_key.rotated(),
                    "sealed_headers": provider.sealed_headers.rotated(),
                }
            except SecretUnreadable:
                unreadable.append(provider.name)
                continue
            Provider.objects.filter(pk=provider.pk).update(**fresh)
            audit.record(None, "key_rotated", provider, actor_name="command line", name=provider.name)
            rotated += 1
        for authenticator in Authenticator.objects.select_for_update().order_by("pk"):
            try:
                kept = {
                    name: Secret(authenticator.data[name]) for name in _SECRETS & authenticator.data.keys()
                }
                renewed = {name: secret.rotated().token for name, secret in kept.items()}
            except SecretUnreadable:
                unreadable.append(f"the second step of {authenticator.user}")
                continue
            Authenticator.objects.filter(pk=authenticator.pk).update(data={**authenticator.data, **renewed})
    return rotated, unreadable

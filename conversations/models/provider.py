"""A place that answers: dialect, address and key. Only administrators (or the environment) make one."""

from __future__ import annotations

import hashlib
import json

from django.db import models

from ..upstream.dialects import DIALECTS
from ..upstream.endpoint import normalise_base_url
from .encryption import Secret, SecretField, no_secret


class Provider(models.Model):
    class Dialect(models.TextChoices):
        ANTHROPIC = "anthropic", "Anthropic Messages"
        ROCKAPI = "rockapi", "RockAPI"
        AIMLAPI = "aimlapi", "AI/ML API"
        OPENAI_CHAT = "openai_chat", "Chat Completions"
        DEMO = "demo", "Demo (not Claude)"

    class Source(models.TextChoices):
        ADMIN = "admin", "Administrator"
        ENVIRONMENT = "environment", "Environment"
        DEMO = "demo", "Demo"

    name = models.CharField(max_length=100, unique=True)
    dialect = models.CharField(max_length=20, choices=Dialect.choices)
    base_url = models.CharField(max_length=500, blank=True)
    api_key = SecretField(default=no_secret, editable=False)
    api_key_last4 = models.CharField(max_length=4, blank=True, editable=False)
    version = models.CharField(max_length=20, default="2023-06-01")
    # As JSON: such headers carry keys as well.
    sealed_headers = SecretField(default=no_secret, editable=False)
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.ADMIN, editable=False)
    enabled = models.BooleanField(default=True)
    # The models that the environment named at the last start; none for other sources.
    named_models = models.JSONField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """Where it is asked: its own address, or that of its dialect; "" for the demo."""
        return self.base_url or DIALECTS[self.dialect].base_url

    @property
    def upstream(self) -> str:
        """Another word when the dialect or the address is another one, however it is written: signatures hold at one
        upstream alone (messages-api 5). A digest, since an address may carry a password.
        """
        try:
            address = normalise_base_url(self.base_url, self.dialect)
        except ValueError:
            # Nothing answers there.
            address = self.base_url
        return hashlib.sha256(f"{self.dialect} {address}".encode()).hexdigest()[:16]

    @property
    def extra_headers(self) -> dict[str, str]:
        """Headers of every request, by name. Raises SecretUnreadable when the encryption key was lost."""
        plain = self.sealed_headers.reveal()
        headers: dict[str, str] = json.loads(plain) if plain else {}
        return headers

    @extra_headers.setter
    def extra_headers(self, headers: dict[str, str]) -> None:
        self.sealed_headers = Secret.of(json.dumps(headers) if headers else "")

    def set_api_key(self, key: str) -> None:
        self.api_key = Secret.of(key)
        # Four characters of a short key would be most of it.
        self.api_key_last4 = key[-4:] if len(key) >= 16 else ""

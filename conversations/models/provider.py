"""A place that answers: dialect, address and key. Only administrators (or the environment) make one."""

from __future__ import annotations

from django.db import models

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
    extra_headers = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.ADMIN, editable=False)
    enabled = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name

    def set_api_key(self, key: str) -> None:
        self.api_key = Secret.of(key)
        # Four characters of a short key would be most of it.
        self.api_key_last4 = key[-4:] if len(key) >= 16 else ""

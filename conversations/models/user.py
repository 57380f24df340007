"""A person who signs in. A row with defaults is an ordinary member who may chat."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    class Theme(models.TextChoices):
        SYSTEM = "system", "Follow the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    display_name = models.CharField(max_length=100, blank=True)
    theme = models.CharField(max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    time_zone = models.CharField(max_length=64, blank=True)
    # Somebody has removed this account; the row goes when all that was the person's has gone.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    @property
    def name(self) -> str:
        """What others see: the display name, else the user name."""
        return self.display_name or self.username

    @property
    def badge(self) -> dict[str, int | str]:
        """How others see this person beside a message or in a list of who is there: id, name, initial."""
        return {"id": self.pk, "name": self.name, "initial": self.name[:1].upper()}

"""A person who signs in. A row with defaults is an ordinary member who may chat."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models


def folded(name: str) -> str:
    """What user names have in common that differ in case or form alone: to everybody they are one name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


# No user name, shown name or e-mail address is longer. SQLite compares nothing with a text of 50,000 bytes.
LONGEST_NAME = 254


# Who administers the site; of a person in hand `User.administers` says the same.
ADMINISTERS = models.Q(is_superuser=True, is_staff=True, is_active=True)

if TYPE_CHECKING:
    _UserManager = UserManager["User"]
else:
    _UserManager = UserManager


class PersonManager(_UserManager):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """In lower case, which is how allauth keeps addresses and looks for them; Django asks for this wherever one is
        entered.
        """
        return (email or "").lower()


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

    objects: ClassVar[PersonManager] = PersonManager()

    @classmethod
    def alike(cls, name: str) -> list[User]:
        """The people whose user names look like this one; asked here, as SQLite knows the case of ASCII alone."""
        wanted = folded(name)
        names = cls.objects.values_list("pk", "username")
        found = [pk for pk, other in names if folded(other) == wanted]
        return list(cls.objects.filter(pk__in=found)) if found else []

    def clean(self) -> None:
        """Refuses a new name that looks like somebody else's."""
        super().clean()
        # A form that has refused the name itself leaves none here.
        if not self.username or User.objects.filter(pk=self.pk, username=self.username).exists():
            return
        if any(other.pk != self.pk for other in User.alike(self.username)):
            raise ValidationError({"username": "This user name is taken."})

    @property
    def administers(self) -> bool:
        """Whether this person may manage the workspace."""
        return self.is_superuser and self.is_staff and self.is_active

    @property
    def name(self) -> str:
        """What others see: the display name, else the user name."""
        return self.display_name or self.username

    @property
    def choice(self) -> str:
        """What an administrator picks this person by: several people may show the same name."""
        return f"{self.name} ({self.username})" if self.name != self.username else self.name

    @property
    def badge(self) -> dict[str, int | str]:
        """How others see this person beside a message or in a list of who is there: id, name, initial."""
        return {"id": self.pk, "name": self.name, "initial": self.name[:1].upper()}

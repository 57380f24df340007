"""A one-time link that lets somebody in; only a hash of its token is stored. The set-up link is the first one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, token: str, now: datetime | None = None) -> InvitationQuerySet:
        """The unused, unexpired, unrevoked invitation with this token, if any."""
        return self.filter(
            token_hash=hash_token(token), used_at=None, revoked_at=None, expires_at__gt=now or timezone.now()
        )


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Invitation(models.Model):
    class Role(models.TextChoices):
        MEMBER = "member", "Member"
        ADMINISTRATOR = "administrator", "Administrator"

    token_hash = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)
    first_administrator = models.BooleanField(default=False)
    groups = models.ManyToManyField(Group, blank=True, related_name="+")
    email = models.EmailField(blank=True)
    created_by = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.role} until {self.expires_at:%Y-%m-%d}"

    @property
    def state(self) -> str:
        """`open`, `used`, `revoked` or `expired`."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if self.expires_at > timezone.now() else "expired"

    @staticmethod
    def new_token() -> str:
        """256 random bits for a link; store only `hash_token` of it."""
        return secrets.token_urlsafe(32)

"""A read-only snapshot of a conversation up to one message, for whoever has the link. Only its token's hash is kept."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .invitation import hash_token


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def open(self, token: str, now: datetime | None = None) -> ShareLinkQuerySet:
        """The link with this token that is on, not expired, and whose conversation still exists."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())
        return self.filter(
            lasting, token_hash=hash_token(token), revoked_at=None, conversation__deleted_at=None
        )


class ShareLink(models.Model):
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="share_links")
    # Messages never change, so the path to this one is the snapshot.
    leaf = models.ForeignKey("Message", on_delete=models.CASCADE, related_name="+")
    # As it was when the link was made; links from before this was kept show the present one.
    title = models.CharField(max_length=200, blank=True, default="")
    token_hash = models.CharField(max_length=64, unique=True)
    public = models.BooleanField(default=False)
    created_by = models.ForeignKey("User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ShareLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.conversation_id} for {'everybody' if self.public else 'members'}"

    @property
    def is_open(self) -> bool:
        """Whether it opens the snapshot now."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def shown_title(self) -> str:
        return self.title or self.conversation.title

    @staticmethod
    def new_token() -> str:
        """128 random bits for a link; store only `hash_token` of it (promises, section 4)."""
        return secrets.token_urlsafe(16)

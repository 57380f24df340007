"""Bytes in the storage, kept once however many attachments refer to them. Written by `actions.stored_files` alone."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils import timezone


class StoredFile(models.Model):
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    file = models.FileField(max_length=200)
    # The row comes before the bytes, so that a crash between them leaves a row to clean up, not a nameless file.
    complete = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], condition=models.Q(complete=True), name="bytes_are_stored_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.media_type} {self.sha256[:12]}"

    @staticmethod
    def new_name(sha256: str) -> str:
        """A place in the storage that was never used: what is being deleted cannot be what is being written."""
        return f"attachments/{sha256[:2]}/{sha256}-{secrets.token_hex(4)}"

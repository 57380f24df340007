"""An uploaded file: checked, frozen, stored once by its content, referred to by message blocks."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class Attachment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    uploader = models.ForeignKey("User", on_delete=models.CASCADE, related_name="attachments")
    conversation = models.ForeignKey(
        "Conversation", null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    pages = models.PositiveIntegerField(null=True)
    tokens = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="attachments/")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name

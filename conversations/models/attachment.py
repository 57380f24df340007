"""A file that a person gave: a label and references to frozen bytes. Message blocks point to it by its id."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone

from .stored_file import StoredFile

if TYPE_CHECKING:
    from .user import User


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def unsent_of(self, user: User) -> AttachmentQuerySet:
        """What this person uploaded and no message has taken yet."""
        return self.filter(uploader=user, conversation=None)

    def held_by(self, user: User) -> AttachmentQuerySet:
        """What counts for this person's quota: all they have given but what is in deleted conversations."""
        return self.filter(uploader=user, conversation__deleted_at=None)

    def forgotten(self, before: datetime) -> AttachmentQuerySet:
        """Uploads from before that time that no message has taken."""
        return self.filter(conversation=None, created_at__lt=before)

    def with_files(self) -> AttachmentQuerySet:
        return self.select_related(*Attachment.FILES)


class Attachment(models.Model):
    FILES: ClassVar[tuple[str, ...]] = ("original", "sent", "sent_large", "thumbnail")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Whose quota it counts for; nobody's for the copies that a fork makes.
    uploader = models.ForeignKey(
        "User", null=True, blank=True, on_delete=models.SET_NULL, related_name="attachments"
    )
    # None until a message takes it; from then on it is as visible as the conversation.
    conversation = models.ForeignKey(
        "Conversation", null=True, blank=True, on_delete=models.CASCADE, related_name="attachments"
    )
    name = models.CharField(max_length=255)
    # Words for those who cannot see a picture; where nobody has written any, the name stands for them.
    alt = models.TextField(blank=True)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    pages = models.PositiveIntegerField(null=True)
    tokens = models.PositiveIntegerField(default=0)
    # All pixels, or the document itself; what requests carry; the same for models of the high-resolution tier, made
    # when the first of them needs it.
    original = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    sent = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    sent_large = models.ForeignKey(
        StoredFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    thumbnail = models.ForeignKey(
        StoredFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"], name="unsent_attachments", condition=models.Q(conversation=None)
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        return self.media_type.startswith("image/")

    @property
    def alt_text(self) -> str:
        return self.alt or self.name

"""A conversation: a tree of messages with a current leaf, owned by a person."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from .user import User


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, user: User) -> ConversationQuerySet:
        """Conversations this person may read; deleted ones are visible to nobody."""
        own = models.Q(owner=user)
        invited = models.Q(participants__user=user) | models.Q(participants__group__in=user.groups.all())
        workspace = models.Q(visibility=Conversation.Visibility.WORKSPACE)
        shared = self.filter(invited).values("pk")
        return self.filter(own | workspace | models.Q(pk__in=shared), deleted_at=None)


class Conversation(models.Model):
    class Visibility(models.TextChoices):
        PRIVATE = "private", "Private"
        WORKSPACE = "workspace", "Everyone in the workspace"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey("User", on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=200, blank=True)
    titled_by_person = models.BooleanField(default=False)
    visibility = models.CharField(max_length=20, choices=Visibility.choices, default=Visibility.PRIVATE)
    current_leaf = models.ForeignKey(
        "Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    language_model = models.ForeignKey("LanguageModel", null=True, blank=True, on_delete=models.SET_NULL)
    # The parameters of the next request; what an answer was really asked with is kept on its Generation.
    parameters = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-updated_at"], name="conversation_of_owner")]

    def __str__(self) -> str:
        return self.title or "New conversation"

"""Until when a person has read a conversation; what has happened since is unread."""

from __future__ import annotations

from django.db import models


class ReadMark(models.Model):
    user = models.ForeignKey("User", on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "conversation"], name="read_once_per_conversation")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} has read {self.conversation_id}"

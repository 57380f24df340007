"""A person or a group that a conversation is open to, besides its owner."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models


class Participant(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        WRITER = "writer", "May write"
        READER = "reader", "May read"

    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(
        "User", null=True, blank=True, on_delete=models.CASCADE, related_name="participations"
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.READER)
    last_read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="person_once_per_conversation"),
            models.UniqueConstraint(fields=["conversation", "group"], name="group_once_per_conversation"),
            models.CheckConstraint(
                condition=models.Q(user=None) ^ models.Q(group=None), name="participant_is_person_or_group"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.role}"

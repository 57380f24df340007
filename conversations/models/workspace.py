"""The settings of the one workspace that an installation is."""

from __future__ import annotations

from django.db import models


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def current(self) -> Workspace:
        """The one row; an unsaved one with defaults before an administrator has changed anything."""
        return self.select_related("default_model").first() or Workspace()


class Workspace(models.Model):
    name = models.CharField(max_length=100, default="Chatsite")
    default_model = models.ForeignKey(
        "LanguageModel", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    system_prompt = models.TextField(blank=True)
    starters = models.JSONField(
        default=list, blank=True, help_text="Up to four starting points, as a list of texts."
    )
    # Whether links to snapshots may be made for people without an account.
    public_links = models.BooleanField(default=False)
    retention_days = models.PositiveIntegerField(null=True, blank=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="workspace_is_single")]

    def __str__(self) -> str:
        return self.name

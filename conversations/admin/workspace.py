"""The one workspace: its name, default model and starting points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from ..models import Workspace

if TYPE_CHECKING:
    _WorkspaceAdmin = admin.ModelAdmin[Workspace]
else:
    _WorkspaceAdmin = admin.ModelAdmin


@admin.register(Workspace)
class WorkspaceAdmin(_WorkspaceAdmin):
    fields = ("name", "default_model", "system_prompt", "starters")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Workspace.objects.exists() and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)

"""The one workspace: its name, default model and starting points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from ..models import Workspace

if TYPE_CHECKING:
    _WorkspaceForm = forms.ModelForm[Workspace]
    _WorkspaceAdmin = admin.ModelAdmin[Workspace]
else:
    _WorkspaceForm = forms.ModelForm
    _WorkspaceAdmin = admin.ModelAdmin


class WorkspaceForm(_WorkspaceForm):
    class Meta:
        model = Workspace
        fields = ("name", "default_model", "system_prompt", "starters")

    def clean_starters(self) -> list[str]:
        starters = self.cleaned_data["starters"] or []
        if not isinstance(starters, list) or not all(isinstance(one, str) for one in starters):
            raise forms.ValidationError("Starting points are a list of texts.")
        return starters


@admin.register(Workspace)
class WorkspaceAdmin(_WorkspaceAdmin):
    form = WorkspaceForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Workspace.objects.exists() and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)

"""Models: which of them people may choose, in which order, for which groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from ..models import LanguageModel

if TYPE_CHECKING:
    _LanguageModelAdmin = admin.ModelAdmin[LanguageModel]
else:
    _LanguageModelAdmin = admin.ModelAdmin


@admin.register(LanguageModel)
class LanguageModelAdmin(_LanguageModelAdmin):
    list_display = ("model_id", "label", "provider", "position", "enabled")
    list_filter = ("enabled", "provider")
    search_fields = ("model_id", "label")
    filter_horizontal = ("allowed_groups",)

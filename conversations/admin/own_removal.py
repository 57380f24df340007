"""Rows that go by an action of ours: in short transactions, refused and recorded as on the site's own pages."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class OwnRemoval(_ModelAdmin):
    """For a ModelAdmin whose `delete_model` calls that action."""

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def get_deleted_objects(
        self, objs: Collection[Any] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The rows alone: to collect all that goes with them would hold up everybody who writes."""
        return [str(row) for row in objs], {str(self.opts.verbose_name_plural): len(objs)}, set(), []

"""Rows that stay removed, and rows that go by an action of ours. Used by the pages of the admin."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ..actions.transaction import hold

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class StaysRemoved(_ModelAdmin):
    """Who saves a row that somebody else has removed meanwhile is told so."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            hold(obj)
        super().save_model(request, obj, form, change)


class OwnRemoval(StaysRemoved):
    """For a ModelAdmin whose `delete_model` calls an action: in short transactions, refused and recorded as on the
    site's own pages.
    """

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def get_deleted_objects(
        self, objs: Collection[Any] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The rows alone: to collect all that goes with them would hold up everybody who writes."""
        return [str(row) for row in objs], {str(self.opts.verbose_name_plural): len(objs)}, set(), []

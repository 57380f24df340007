"""Groups of people, Django's own page: one goes as on the page of the workspace, or not at all."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from ..actions import groups
from ..models import User

admin.site.unregister(Group)


@admin.register(Group)
class PeopleAdmin(GroupAdmin):
    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        assert isinstance(request.user, User)
        groups.remove(request.user, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        for group in queryset:
            self.delete_model(request, group)

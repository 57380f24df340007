"""Groups of people, Django's own page: one goes as on the page of the workspace, or not at all."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from ..actions import groups
from ..actions.transaction import hold
from ..models import User
from .own_removal import OwnRemoval

admin.site.unregister(Group)


@admin.register(Group)
class PeopleAdmin(OwnRemoval, GroupAdmin):
    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        if change:
            hold(obj)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        assert isinstance(request.user, User)
        groups.remove(request.user, obj)

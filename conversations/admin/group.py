"""Groups of people, Django's own page: one goes as on the page of the workspace, or not at all."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from ..actions import groups
from ..models import User
from .own_removal import OwnRemoval

admin.site.unregister(Group)


@admin.register(Group)
class PeopleAdmin(OwnRemoval, GroupAdmin):
    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        assert isinstance(request.user, User)
        groups.remove(request.user, obj)

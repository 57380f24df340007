"""People: an administrator makes them, deactivates them, puts them into groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from ..live import news
from ..models import User

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin


@admin.register(User)
class PersonAdmin(_UserAdmin):
    list_display = ("username", "email", "display_name", "is_active", "is_staff", "last_login")
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Preferences", {"fields": ("display_name", "theme", "time_zone")}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        # Deactivating somebody or changing a right takes effect on open pages as well.
        news.recheck_rights()

"""People: an administrator makes them, deactivates them, puts them into groups."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from ..actions import administrators, answers, people, removal
from ..live import news
from ..models import User
from .own_removal import OwnRemoval

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin


@admin.register(User)
class PersonAdmin(OwnRemoval, _UserAdmin):
    list_display = ("username", "email", "display_name", "is_active", "is_staff", "last_login")
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Preferences", {"fields": ("display_name", "theme", "time_zone")}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not obj.administers:
            # Two administrators who take each other's right do so one after the other.
            administrators.keep_one(without=obj)
        before = User.objects.filter(pk=obj.pk).first()
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            answers.request_stops_of(obj)
        if before is not None and _has_lost_a_right(before, obj):
            people.withdraw_rights(obj)
        # Deactivating somebody or changing a right takes effect on open pages as well.
        news.recheck_rights()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """As on the person's own page, with all conversations."""
        assert isinstance(request.user, User)
        removal.begin(request.user, obj, removal.Keep.NOTHING, None)
        # The page's own transaction would hold up everybody until all rows have gone.
        transaction.on_commit(partial(removal.finish, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        administrators.hold_all(queryset)
        super().delete_queryset(request, queryset)


def _has_lost_a_right(before: User, now: User) -> bool:
    """Whether the person administered the site, or could sign in at all, and no longer does."""
    return (before.administers and not now.administers) or (before.is_active and not now.is_active)

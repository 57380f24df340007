"""The admin whose every change is in the audit record, whichever app registered the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import update_wrapper
from typing import Any, TypeVar, cast

from django.contrib.admin import ModelAdmin, sites
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
# Of these a change is recorded, never a value.
SECRET_FIELDS = frozenset(
    {"password", "password1", "password2", "new_api_key", "extra_headers", "token_hash"}
)
# Rows that mean something together with others or with a session: changed here they would say what is not so.
ELSEWHERE = frozenset(
    {
        "mfa.Authenticator",
        "usersessions.UserSession",
        "socialaccount.SocialAccount",
        "socialaccount.SocialApp",
        "socialaccount.SocialToken",
    }
)


class AuditedSite(sites.AdminSite):
    # As the pages of the workspace call it.
    site_title = "Records"
    site_header = "Records"
    index_title = "Everything that is stored"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        single = isinstance(model_or_iterable, ModelBase)
        for model in [model_or_iterable] if single else model_or_iterable:
            if model._meta.label in ELSEWHERE:
                continue
            base = admin_class or ModelAdmin
            audited = base if issubclass(base, Audited) else type(base.__name__, (Audited, base), {})
            super().register(model, audited, **options)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """One way to a new password: the account's own is recorded, and limits how often the present one is tried."""
        return redirect("account_change_password")

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """As Django has it, but whoever is signed in without the right is refused here, not sent to sign in."""
        guarded = super().admin_view(view, cacheable)

        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return guarded(request, *args, **kwargs)

        return cast(View, update_wrapper(wrapped, guarded))


class Audited:
    """Put in front of every ModelAdmin: what Django logs for itself goes into the audit record as well, with values."""

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        """As Django has it, but an id that no row can have is a bad request (promises A07), and what is refused is not
        recorded as done.
        """
        key = self.model._meta.pk  # type: ignore[attr-defined]
        try:
            for id in request.POST.getlist(ACTION_CHECKBOX_NAME):
                key.clean(id, None)
        except ValidationError:
            raise BadRequest("One of the ids is not valid.") from None
        # What only asks for a confirmation holds up nobody.
        with transaction.atomic() if request.POST.get("post") else nullcontext():
            return cast(HttpResponseBase, super().response_action(request, queryset))  # type: ignore[misc]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """As Django has it, but an address that leaves the field empty means none."""
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        values = {
            name: _value(form, name) for name in getattr(form, "changed_data", ()) if _differs(form, name)
        }
        request.audited_values = values  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)  # type: ignore[misc]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "added", obj)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "changed", obj)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any] | list[Any]) -> Any:
        request.audited_values = {}  # type: ignore[attr-defined]
        for obj in queryset:
            _record(request, "deleted", obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def _record(request: HttpRequest, act: str, obj: Model) -> None:
    from conversations.actions import audit
    from conversations.models import User

    actor = request.user if isinstance(request.user, User) else None
    values = getattr(request, "audited_values", {})
    request.audited_values = {}  # type: ignore[attr-defined]
    detail: dict[str, Any] = {"values": values} if values else {}
    audit.record(actor, act, obj, **{"name": str(obj), **detail})


def _differs(form: Any, name: str) -> bool:
    # A JSON field calls itself changed whenever it is sent.
    initial = getattr(form, "initial", {})
    return name not in initial or bool(initial[name] != getattr(form, "cleaned_data", {}).get(name))


def _value(form: Any, name: str) -> str:
    if name in SECRET_FIELDS:
        return "(changed)"
    value = getattr(form, "cleaned_data", {}).get(name)
    if isinstance(value, QuerySet):
        return ", ".join(str(one) for one in value[:50])
    return str(value)

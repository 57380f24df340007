"""Providers: the key is write-only, and the one of the environment is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ..actions import offers, retirement
from ..forms import headers
from ..models import Provider, User
from ..upstream.endpoint import Endpoint
from .own_removal import OwnRemoval

if TYPE_CHECKING:
    _ProviderForm = forms.ModelForm[Provider]
    _ProviderAdmin = admin.ModelAdmin[Provider]
else:
    _ProviderForm = forms.ModelForm
    _ProviderAdmin = admin.ModelAdmin


class HeadersField(forms.JSONField):
    """Shows names; values as rarely as the key."""

    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(headers.masked(value) if isinstance(value, dict) else value)


class ProviderForm(_ProviderForm):
    new_api_key = forms.CharField(
        label="Key",
        required=False,
        help_text="Stored encrypted and never shown again. Leave empty to keep the current one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    extra_headers = HeadersField(
        required=False, help_text=f"Stored encrypted. A value of {headers.KEPT} stays as it is."
    )

    class Meta:
        model = Provider
        fields = ("name", "dialect", "base_url", "version", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["extra_headers"] = headers.of(self.instance)

    def clean_extra_headers(self) -> dict[str, str]:
        given = self.cleaned_data["extra_headers"] or {}
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise ValidationError("Headers are an object of names and texts.")
        return given

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        given = values["extra_headers"]
        values["extra_headers"] = headers.unmasked(given, self.instance)
        try:
            moves = offers.moves(self.instance, values["dialect"], values["base_url"])
            Endpoint(
                dialect=values["dialect"],
                base_url=values["base_url"],
                api_key=values["new_api_key"],
                version=values["version"],
                extra_headers=values["extra_headers"],
            )
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if moves and self.instance.api_key and not values["new_api_key"]:
            raise ValidationError(offers.KEY_STAYS)
        if moves and headers.KEPT in given.values():
            raise ValidationError(offers.HEADERS_STAY)
        return values


@admin.register(Provider)
class ProviderAdmin(OwnRemoval, _ProviderAdmin):
    form = ProviderForm
    list_display = ("name", "dialect", "base_url", "key", "enabled", "source")
    list_filter = ("enabled", "dialect")

    @admin.display(description="Key")
    def key(self, provider: Provider) -> str:
        if not provider.api_key:
            return "none"
        return f"…{provider.api_key_last4}" if provider.api_key_last4 else "set"

    @admin.display(description="Extra headers")
    def extra_headers(self, provider: Provider) -> str:
        """For those who may only look."""
        return ", ".join(headers.of(provider)) or "none"

    def has_change_permission(self, request: HttpRequest, obj: Provider | None = None) -> bool:
        # What the environment says is followed at every start; changing it here would not last.
        return (obj is None or obj.source == Provider.Source.ADMIN) and super().has_change_permission(
            request, obj
        )

    def has_delete_permission(self, request: HttpRequest, obj: Provider | None = None) -> bool:
        return (obj is None or obj.source == Provider.Source.ADMIN) and super().has_delete_permission(
            request, obj
        )

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """As on the provider's own page."""
        assert isinstance(request.user, User)
        # The form has put its values into `obj`: whether the address moves shows in the stored row.
        stored = Provider.objects.filter(pk=obj.pk).first() or obj
        values = form.cleaned_data
        offers.save_provider(request.user, stored, values, values["new_api_key"])

    def delete_model(self, request: HttpRequest, obj: Provider) -> None:
        assert isinstance(request.user, User)
        retirement.remove_after_commit(request.user, obj)

"""Providers: the key is write-only, and the one of the environment is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ..models import Provider
from ..upstream.endpoint import Endpoint

if TYPE_CHECKING:
    _ProviderForm = forms.ModelForm[Provider]
    _ProviderAdmin = admin.ModelAdmin[Provider]
else:
    _ProviderForm = forms.ModelForm
    _ProviderAdmin = admin.ModelAdmin


class ProviderForm(_ProviderForm):
    new_api_key = forms.CharField(
        label="Key",
        required=False,
        help_text="Stored encrypted and never shown again. Leave empty to keep the present one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Provider
        fields = ("name", "dialect", "base_url", "version", "extra_headers", "enabled")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        try:
            Endpoint(
                dialect=values.get("dialect", ""),
                base_url=values.get("base_url", ""),
                api_key=values.get("new_api_key", ""),
            )
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return values


@admin.register(Provider)
class ProviderAdmin(_ProviderAdmin):
    form = ProviderForm
    list_display = ("name", "dialect", "base_url", "key", "enabled", "source")
    list_filter = ("enabled", "dialect")

    @admin.display(description="Key")
    def key(self, provider: Provider) -> str:
        if not provider.api_key:
            return "none"
        return f"…{provider.api_key_last4}" if provider.api_key_last4 else "set"

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
        if key := form.cleaned_data.get("new_api_key"):
            obj.set_api_key(key)
        super().save_model(request, obj, form, change)

"""Models: which of them people may choose, in which order, for which groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from ..actions import retirement
from ..actions.model_prices import read_prices
from ..actions.providers import changing, refresh_demo
from ..models import LanguageModel, User
from ..upstream.capabilities import check_overrides
from .own_removal import OwnRemoval

if TYPE_CHECKING:
    _LanguageModelForm = forms.ModelForm[LanguageModel]
    _LanguageModelAdmin = admin.ModelAdmin[LanguageModel]
else:
    _LanguageModelForm = forms.ModelForm
    _LanguageModelAdmin = admin.ModelAdmin


class LanguageModelForm(_LanguageModelForm):
    class Meta:
        model = LanguageModel
        fields = "__all__"  # noqa: DJ007 - every field is an administrator's

    def clean_prices(self) -> Any:
        prices = self.cleaned_data["prices"]
        try:
            read_prices(prices)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return prices or {}

    def clean_capabilities(self) -> dict[str, Any]:
        overrides: dict[str, Any] = self.cleaned_data["capabilities"] or {}
        try:
            check_overrides(overrides)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return overrides


@admin.register(LanguageModel)
class LanguageModelAdmin(OwnRemoval, _LanguageModelAdmin):
    form = LanguageModelForm
    list_display = ("model_id", "label", "provider", "position", "enabled")
    list_filter = ("enabled", "provider")
    search_fields = ("model_id", "label")
    filter_horizontal = ("allowed_groups",)
    readonly_fields = ("listed",)

    def save_model(self, request: HttpRequest, obj: LanguageModel, form: Any, change: bool) -> None:
        with changing():
            super().save_model(request, obj, form, change)
            refresh_demo()

    def delete_model(self, request: HttpRequest, obj: LanguageModel) -> None:
        assert isinstance(request.user, User)
        retirement.remove_after_commit(request.user, obj)

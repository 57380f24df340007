"""A provider, a model, the workspace's settings, in plain fields. Used by `views.providers`, `views.workspace`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group

from ..actions import offers
from ..actions.model_prices import listed_prices
from ..actions.text import storable
from ..models import LanguageModel, Provider
from . import headers

if TYPE_CHECKING:
    _ModelChoiceField = forms.ModelChoiceField[LanguageModel]
else:
    _ModelChoiceField = forms.ModelChoiceField

_HEADER = re.compile(r"([A-Za-z0-9_-]{1,100})\s*:\s*(.*)")
DIALECTS = [choice for choice in Provider.Dialect.choices if choice[0] != Provider.Dialect.DEMO]
PRICES = ("input", "output", "cache_read")
STARTERS = 4


class ModelField(_ModelChoiceField):
    """One of the models, under the name that it has everywhere. The form sets which ones there are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=LanguageModel.objects.none(), required=False, **kwargs)

    def label_from_instance(self, obj: LanguageModel) -> str:
        return obj.name


class PromptField(forms.CharField):
    """Text that is measured as it is stored: line ends, which browsers send as two characters, count as one."""

    def to_python(self, value: Any) -> str:
        return storable(super().to_python(value) or "").strip()


class ProviderForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100)
    dialect = forms.ChoiceField(label="API", choices=DIALECTS)
    base_url = forms.CharField(
        label="Address", max_length=500, required=False,
        help_text="Leave empty for the provider's usual address.",
        widget=forms.URLInput(attrs={"placeholder": "https://api.anthropic.com", "autocomplete": "off"}),
    )  # fmt: skip
    api_key = forms.CharField(
        label="Key", required=False, max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    version = forms.CharField(label="anthropic-version", max_length=20, initial="2023-06-01")
    extra_headers = forms.CharField(
        label="Extra headers, one “Name: value” per line", required=False, max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )  # fmt: skip
    enabled = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(self, provider: Provider, data: Any = None) -> None:
        self._provider = provider
        initial = None
        if provider.pk is not None:
            initial = {
                name: getattr(provider, name)
                for name in ("name", "dialect", "base_url", "version", "enabled")
            }
            initial["extra_headers"] = "\n".join(
                f"{name}: {value}" for name, value in headers.masked(headers.of(provider)).items()
            )
        super().__init__(data, initial=initial)
        ends = f"ends in …{provider.api_key_last4}" if provider.api_key_last4 else "is set"
        self.fields["api_key"].help_text = (
            f"The current key {ends}. Leave empty to keep it." if provider.api_key
            else "Stored encrypted and never shown again."
        )  # fmt: skip

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if Provider.objects.filter(name=name).exclude(pk=self._provider.pk).exists():
            raise forms.ValidationError(offers.NAME_TAKEN)
        return name

    def clean_extra_headers(self) -> dict[str, str]:
        given = {}
        for line in self.cleaned_data["extra_headers"].splitlines():
            if not line.strip():
                continue
            match = _HEADER.fullmatch(line.strip())
            if match is None:
                raise forms.ValidationError("Each line needs a name, a colon and a value.")
            given[match[1]] = match[2]
        return given

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        given = data["extra_headers"]
        try:
            moves = offers.moves(self._provider, data["dialect"], data["base_url"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if moves and headers.KEPT in given.values():
            raise forms.ValidationError(offers.HEADERS_STAY)
        return data | {"extra_headers": headers.unmasked(given, self._provider)}


class ModelForm(forms.Form):
    label = forms.CharField(label="Name in the picker", max_length=200, required=False)
    enabled = forms.BooleanField(label="Offered", required=False)
    allowed_groups = forms.ModelMultipleChoiceField(
        label="Only for these groups", queryset=Group.objects.order_by("name"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    context = forms.IntegerField(
        label="Context, in tokens", required=False, min_value=1000, max_value=100_000_000
    )
    max_output = forms.IntegerField(
        label="Longest answer, in tokens", required=False, min_value=1, max_value=10_000_000
    )
    input = forms.DecimalField(label="Input", required=False, min_value=0, max_value=100_000, max_digits=12)
    output = forms.DecimalField(label="Output", required=False, min_value=0, max_value=100_000, max_digits=12)
    cache_read = forms.DecimalField(
        label="Read from cache", required=False, min_value=0, max_value=100_000, max_digits=12
    )
    retired_at = forms.DateField(
        label="Offered until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    replacement = ModelField(label="Then continue with", empty_label="The default model")

    def __init__(self, row: LanguageModel, data: Any = None) -> None:
        self._row = row
        self._known = row.known
        self._listed = listed_prices(row)
        # Several dated prices are more than these fields can say: they stay as they are.
        self.has_dated_prices = isinstance(row.prices, list) or "from" in row.prices
        own = row.prices if not self.has_dated_prices else {}
        # One that is left out follows from those that were entered, never from the list.
        shown = own or {name: getattr(self._listed, name, None) for name in PRICES}
        initial: dict[str, Any] = {
            "label": row.label, "enabled": row.enabled, "allowed_groups": row.allowed_groups.all(),
            "retired_at": row.retired_at, "replacement": row.replacement_id,
            "context": row.capabilities.get("context", self._known.context),
            "max_output": row.capabilities.get("max_output", self._known.max_output),
        }  # fmt: skip
        for name in PRICES:
            initial[name] = shown.get(name)
        super().__init__(data, initial=initial)
        self.fields["label"].widget.attrs["placeholder"] = self._known.display_name or row.model_id
        field = self.fields["replacement"]
        assert isinstance(field, forms.ModelChoiceField)
        others = LanguageModel.objects.select_related("provider").exclude(pk=row.pk)
        field.queryset = others.order_by("position", "pk")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = [name for name in PRICES if data.get(name) is not None]
        if given and not {"input", "output"} <= set(given):
            raise forms.ValidationError("Prices need at least input and output.")
        return data

    def values(self) -> dict[str, Any]:
        """The fields of the row: what equals the built-in table is not stored, so that the table's news counts."""
        data = self.cleaned_data
        capabilities = {k: v for k, v in self._row.capabilities.items() if k not in ("context", "max_output")}
        for name in ("context", "max_output"):
            if data.get(name) and data[name] != getattr(self._known, name):
                capabilities[name] = data[name]
        retired = data.get("retired_at")
        values = {
            "label": data["label"].strip(),
            "enabled": data["enabled"],
            "capabilities": capabilities,
            "retired_at": datetime.combine(retired, time.min, UTC) if retired else None,
            "replacement": data.get("replacement"),
        }
        if not self.has_dated_prices:
            values["prices"] = self._prices()
        return values

    def _prices(self) -> dict[str, float]:
        listed = self._listed
        given: dict[str, Decimal] = {
            name: self.cleaned_data[name] for name in PRICES if self.cleaned_data.get(name) is not None
        }
        kept = {k: v for k, v in self._row.prices.items() if k not in PRICES} if given else {}
        if (
            not kept
            and listed is not None
            and all(given.get(name) == getattr(listed, name) for name in PRICES)
        ):
            return {}
        return kept | {name: float(value) for name, value in given.items()}


class WorkspaceForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100)
    default_model = ModelField(label="Default model", empty_label="The first in the picker")
    system_prompt = PromptField(
        label="System prompt", required=False, max_length=settings.SYSTEM_MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="New conversations begin with it; existing ones keep theirs.",
    )  # fmt: skip
    starters = forms.CharField(
        label="Starting points, one per line", required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=f"Up to {STARTERS}, offered in an empty conversation.",
    )  # fmt: skip
    public_links = forms.BooleanField(
        label="Allow links to snapshots for people without an account", required=False
    )

    retention_days = forms.IntegerField(
        label="Days to keep", required=False, min_value=1, max_value=36_500,
        help_text="A conversation without a new message for this long is deleted for good, with its files. "
        "Leave empty to keep all.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["default_model"]
        assert isinstance(field, forms.ModelChoiceField)
        offered = LanguageModel.objects.answering()
        field.queryset = offered.select_related("provider").order_by("position", "pk")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_starters(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["starters"].splitlines() if line.strip()]
        if len(lines) > STARTERS:
            raise forms.ValidationError(f"At most {STARTERS} starting points.")
        return lines

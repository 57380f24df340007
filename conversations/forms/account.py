"""What a person may change about themselves. Used by `views.account`."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms

from conversations.models import User


@cache
def _time_zones() -> list[tuple[str, str]]:
    names = sorted(
        name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/")
    )
    return [("", "Default (UTC)"), *((name, name.replace("_", " ")) for name in names)]


if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
else:
    _UserForm = forms.ModelForm


class PreferencesForm(_UserForm):
    time_zone = forms.ChoiceField(label="Time zone", choices=_time_zones, required=False)

    class Meta:
        model = User
        fields = ["display_name", "theme", "time_zone"]
        labels = {"display_name": "Name shown to others"}
        widgets = {
            "display_name": forms.TextInput(attrs={"autocomplete": "name"}),
            "theme": forms.RadioSelect(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What others see as long as nothing is written here.
        self.fields["display_name"].widget.attrs["placeholder"] = self.instance.username

    def clean_display_name(self) -> str:
        # One line, without characters that cannot be seen.
        return " ".join(
            "".join(c if c.isprintable() else " " for c in self.cleaned_data["display_name"]).split()
        )

"""What an owner may say about who reads along, and about a link to a snapshot. Used by `views.sharing`."""

from __future__ import annotations

from django import forms

ROLES = [("reader", "May read"), ("writer", "May write"), ("owner", "Owner")]
LASTING = [("7", "One week"), ("30", "One month"), ("365", "One year"), ("", "Until switched off")]


class ShareLinkForm(forms.Form):
    days = forms.TypedChoiceField(
        label="Lasts",
        choices=LASTING,
        coerce=int,
        empty_value=None,
        required=False,
        initial="30",
        widget=forms.Select({"class": "input"}),
    )
    public = forms.BooleanField(label="Also for people without an account", required=False)
    message = forms.UUIDField(required=False, widget=forms.HiddenInput)

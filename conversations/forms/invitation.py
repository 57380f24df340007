"""Inviting somebody, and accepting. Used by `views.invitations`."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group

from ..models import Invitation
from .setup import FirstAdministratorForm

LASTING = [(1, "One day"), (7, "One week"), (30, "One month"), (90, "Three months")]


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label="E-mail (optional)", required=False,
        help_text="With an address, the invitation works for that address only.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    role = forms.ChoiceField(label="Role", choices=Invitation.Role.choices)
    days = forms.TypedChoiceField(label="Lasts", coerce=int, choices=[], required=False)
    groups = forms.ModelMultipleChoiceField(
        label="Groups", queryset=Group.objects.order_by("name"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        usual = (settings.INVITATION_DAYS, f"{settings.INVITATION_DAYS} days")
        offered = dict([usual, *LASTING])
        field = self.fields["days"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = sorted(
            (days, label) for days, label in offered.items() if days <= settings.INVITATION_MAX_DAYS
        )
        field.initial = settings.INVITATION_DAYS
        field.empty_value = settings.INVITATION_DAYS  # type: ignore[assignment]


class AcceptInvitationForm(FirstAdministratorForm):
    """As the set-up page's; the address of an invitation that was sent to one is not a choice."""

    def __init__(self, *args: object, email: str = "", **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if email:
            self.fields["email"].initial = email
            self.fields["email"].label = "E-mail"
            self.fields["email"].disabled = True

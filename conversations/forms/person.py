"""Groups of a person, people of a group, a new password, a removal. Used by the views of people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group

from ..actions.removal import Keep
from ..models import User
from .setup import MAX_PASSWORD, PASSWORD_HELP, PASSWORDS_DIFFER


class PersonGroupsForm(forms.Form):
    groups = forms.ModelMultipleChoiceField(
        label="Groups", queryset=Group.objects.order_by("name"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


class GroupForm(forms.Form):
    name = forms.CharField(label="Name", max_length=150)
    people = forms.ModelMultipleChoiceField(
        label="People", queryset=User.objects.order_by("username"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["people"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.label_from_instance = lambda person: person.choice  # type: ignore[method-assign,assignment]


class NewPasswordForm(forms.Form):
    password1 = forms.CharField(
        label="New password", max_length=MAX_PASSWORD, strip=False,
        help_text=PASSWORD_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )  # fmt: skip
    password2 = forms.CharField(
        label="New password again", max_length=MAX_PASSWORD, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def __init__(self, person: User, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._person = person

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        password, again = data.get("password1"), data.get("password2")
        if password and again and password != again:
            self.add_error("password2", PASSWORDS_DIFFER)
        elif password:
            try:
                password_validation.validate_password(password, self._person)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return data


class RemovalForm(forms.Form):
    keep = forms.ChoiceField(
        label="Conversations", choices=Keep.choices, initial=Keep.SHARED, widget=forms.RadioSelect
    )
    heir = forms.ModelChoiceField(
        label="Who gets those that stay", queryset=User.objects.none(), required=False,
        help_text="As their new owner, with all that is in them.", empty_label="Nobody yet",
    )  # fmt: skip
    confirm = forms.CharField(
        max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    )

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = person
        self.fields["confirm"].label = f"Type {person.username} to confirm"
        field = self.fields["heir"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(is_active=True).exclude(pk=person.pk).order_by("username")
        field.label_from_instance = lambda one: one.choice  # type: ignore[method-assign,assignment]

    def clean_confirm(self) -> str:
        confirm: str = self.cleaned_data["confirm"].strip()
        if confirm != self._person.username:
            raise forms.ValidationError("This is not the user name.")
        return confirm

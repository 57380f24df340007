"""Groups of a person, people of a group, and a new password. Used by the views of people."""

from __future__ import annotations

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group

from ..models import User
from .setup import MAX_PASSWORD


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
        field.label_from_instance = lambda person: person.name  # type: ignore[method-assign,assignment]


class NewPasswordForm(forms.Form):
    password1 = forms.CharField(
        label="New password", max_length=MAX_PASSWORD, strip=False,
        help_text="At least 8 characters, not only digits, and no common password.",
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
            self.add_error("password2", "The two passwords differ.")
        elif password:
            try:
                password_validation.validate_password(password, self._person)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return data

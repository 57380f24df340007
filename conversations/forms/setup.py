"""The form behind the one-time set-up link. Used by `views.setup`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.validators import UnicodeUsernameValidator

from conversations.models import User

MAX_PASSWORD = 1000  # Hashing is slow on purpose; a longer password makes it slower without being safer.
PASSWORD_HELP = "At least 8 characters, not only digits, and no common password."
PASSWORDS_DIFFER = "The two passwords differ."


class FirstAdministratorForm(forms.Form):
    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        ),
    )
    email = forms.EmailField(
        label="E-mail (optional)", required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password1 = forms.CharField(
        label="Password",
        max_length=MAX_PASSWORD,
        strip=False,
        help_text=PASSWORD_HELP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label="Password again",
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        name = str(User.normalize_username(self.cleaned_data["username"]))
        # Two names that look alike would be two people to the computer and one to everybody else.
        if User.alike(name):
            raise forms.ValidationError("This user name is taken.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        password, again = data.get("password1"), data.get("password2")
        if password and again and password != again:
            self.add_error("password2", PASSWORDS_DIFFER)
        elif password:
            person = User(username=data.get("username", ""), email=data.get("email", ""))
            try:
                password_validation.validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return data

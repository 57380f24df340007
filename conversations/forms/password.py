"""allauth's forms around passwords and addresses in the words of the other pages. Named in ACCOUNT_FORMS."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.core.validators import MaxLengthValidator

from .setup import MAX_PASSWORD, PASSWORD_HELP, PASSWORDS_DIFFER

_LABELS = {
    "oldpassword": "Current password",
    "password": "Password",
    "password1": "New password",
    "password2": "New password again",
    "email": "E-mail",
}


class _Reworded(forms.Form):
    """Before one of allauth's forms among the bases."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _LABELS[name]
            field.help_text = PASSWORD_HELP if name == "password1" else ""
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field.widget, forms.PasswordInput):
                field.widget.attrs["maxlength"] = str(MAX_PASSWORD)
                field.validators.append(MaxLengthValidator(MAX_PASSWORD))
        next(iter(self.fields.values())).widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "password1" in data and "password2" in self.errors and self.data.get("password2"):
            # allauth has said the same in its own words.
            self.errors["password2"] = self.error_class([PASSWORDS_DIFFER])
        return data


class ChangePassword(_Reworded, allauth.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPassword(_Reworded, allauth.SetPasswordForm):  # type: ignore[misc]
    pass


class ForgottenPassword(_Reworded, allauth.ResetPasswordForm):  # type: ignore[misc]
    pass


class NewPassword(_Reworded, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class AddAddress(_Reworded, allauth.AddEmailForm):  # type: ignore[misc]
    pass


class ConfirmPassword(_Reworded, allauth.ReauthenticateForm):  # type: ignore[misc]
    pass

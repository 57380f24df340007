"""Making, naming and using passkeys: allauth's forms, with every act on the record. Named in MFA_FORMS."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms

from chatsite.accounts import TooManyFailures, count_for_address

from ..actions import audit, audit_signals

NAME_CHARACTERS = 60
LIMIT = "too_many_login_attempts"


class CredentialField(forms.JSONField):
    """What the browser made, as JSON; a program may send anything."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise forms.ValidationError("This is not a passkey.") from None


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(
        label="Name", max_length=NAME_CHARACTERS, required=False,
        help_text="To tell it from your other passkeys.",
    )  # fmt: skip
    passwordless = forms.BooleanField(
        label="Signs in without the password", required=False, initial=True,
        help_text="Needs a fingerprint, a face or a PIN. Untick it to use the passkey as a second step only.",
    )  # fmt: skip
    credential = CredentialField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        count = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).count()
        self.initial["name"] = f"Passkey {count + 1}"

    def clean_name(self) -> str:
        return audit.line(self.cleaned_data["name"], NAME_CHARACTERS) or str(self.initial["name"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = _checked(super().clean, "This passkey could not be added. Try again.")
        return data


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(label="Name", max_length=NAME_CHARACTERS)

    def clean_name(self) -> str:
        name = audit.line(self.cleaned_data["name"], NAME_CHARACTERS)
        if not name:
            raise forms.ValidationError("Enter a name with visible characters.")
        return name

    def save(self) -> Any:
        renamed = super().save()
        audit.record(renamed.user, "passkey_renamed", renamed.user, name=renamed.wrap().name)
        return renamed


class _Refusable:
    """A wrong passkey is a refused sign-in like a wrong code."""

    user: Any

    def clean_credential(self) -> Any:
        try:
            return _checked(super().clean_credential, "This passkey was not accepted.")  # type: ignore[misc]
        except forms.ValidationError as refused:
            if refused.code != LIMIT:
                audit_signals.sign_in_failed(self.user)
            raise


class SecondStepPasskeyForm(_Refusable, AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


class ConfirmPasskeyForm(_Refusable, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()


class SignInPasskeyForm(_Refusable, LoginWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()

    def clean_credential(self) -> Any:
        """Failures count for the address alone, together with wrong passwords: whose passkey it is, anybody may say."""
        try:
            usage = count_for_address(context.request)
        except TooManyFailures:
            raise get_adapter().validation_error(LIMIT) from None
        found = super().clean_credential()
        usage.rollback()
        return found


def _checked(clean: Any, sentence: str) -> Any:
    """What `clean` returns. Raises ValidationError for everything that is no fitting credential."""
    try:
        return clean()
    except forms.ValidationError as refused:
        if refused.code == LIMIT:
            raise
        raise forms.ValidationError(sentence) from None
    except (TypeError, ValueError, LookupError, AttributeError):
        # What a program sends instead of a browser's answer fails deep in the decoder, each in its own way.
        raise forms.ValidationError(sentence) from None

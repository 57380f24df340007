"""How allauth keeps second factors here: their secrets are encrypted like providers' keys."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter

from conversations.models.encryption import Secret


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """`MFA_ADAPTER`."""

    def encrypt(self, text: str) -> str:
        return Secret.of(text).token

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadable when the key that it was encrypted with was lost."""
        return Secret(encrypted_text).reveal()

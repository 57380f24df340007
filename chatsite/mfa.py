"""How allauth keeps second factors here: secrets encrypted like providers' keys, passkeys bound to the site's own
address. Named in `settings`; `urls` puts `passkey_server` and `limited` in the place of allauth's own.
"""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from django.conf import settings
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity

from conversations.models import User, Workspace
from conversations.models.encryption import Secret

from . import address


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """`MFA_ADAPTER`."""

    def encrypt(self, text: str) -> str:
        return Secret.of(text).token

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SecretUnreadable when the key that it was encrypted with was lost."""
        return Secret(encrypted_text).reveal()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the public name; without one to the loopback name that was asked for."""
        host = address.host_of(settings.PUBLIC_URL or f"http://{context.request.get_host()}")
        return {"id": host, "name": Workspace.objects.current().name}


def passkey_server() -> Fido2Server:
    """Takes exactly the origins that websockets are taken from; allauth's would take every host below the name."""
    party = PublicKeyCredentialRpEntity(**get_adapter().get_public_key_credential_rp_entity())
    return Fido2Server(party, verify_origin=lambda origin: origin in settings.WEBSOCKET_ORIGINS)


def limited(user: User, error_key: str | None = None) -> Callable[[], None]:
    """Counts a try of a second step; what it returns takes this try back. Raises the form's error after too many.

    allauth's forgets after a success all failures of the address, whoever's account they were for.
    """
    usage = ratelimit.consume(
        context.request, app="allauth.account", action="login_failed", key=f"second-step:{user.pk}"
    )
    if usage is None:
        raise get_account_adapter().validation_error(error_key or "too_many_login_attempts")
    return lambda: usage.rollback()

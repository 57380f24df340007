"""The first administrator: from a one-time link or the environment. Called by `start` and `views.setup`."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.utils import timezone

from ..models import Invitation, User
from ..models.invitation import hash_token
from .errors import Invalid
from .transaction import writing


def has_administrator() -> bool:
    return User.objects.filter(is_superuser=True, is_active=True).exists()


def new_setup_token() -> str:
    """A fresh token for the set-up link; links made before no longer work."""
    token = Invitation.new_token()
    now = timezone.now()
    with writing():
        Invitation.objects.filter(first_administrator=True, used_at=None, revoked_at=None).update(
            revoked_at=now
        )
        Invitation.objects.create(
            token_hash=hash_token(token),
            role=Invitation.Role.ADMINISTRATOR,
            first_administrator=True,
            expires_at=now + timedelta(seconds=settings.SETUP_LINK_SECONDS),
        )
    return token


def setup_link_open(token: str) -> bool:
    """Whether the token still makes the first administrator."""
    return (
        Invitation.objects.open(token).filter(first_administrator=True).exists() and not has_administrator()
    )


def create_first_administrator(token: str, username: str, email: str, password: str) -> User:
    """Uses up the token. Raises Invalid when it was used or is old, or there is an administrator."""
    with writing():
        invitation = (
            Invitation.objects.select_for_update().open(token).filter(first_administrator=True).first()
        )
        if invitation is None or has_administrator():
            raise Invalid("This link has been used or is too old. Start the server again to get a new one.")
        user = create_administrator(username, email, password)
        invitation.used_at = timezone.now()
        invitation.used_by = user
        invitation.save(update_fields=["used_at", "used_by"])
    return user


def create_administrator(username: str, email: str, password: str) -> User:
    """A person with every right; the e-mail address counts as verified, the password is taken as given."""
    with writing():
        user = User.objects.create_superuser(username, email, password)
        if email:
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user

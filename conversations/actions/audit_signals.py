"""Sign-ins, sign-outs and changes of passwords and addresses reach the audit record. Connected by the app, and by
commands of Django's that change accounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account import signals as account
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa import signals as second_factor
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals
from django.db.models.signals import post_save
from django.http import HttpRequest

from ..models import User
from . import audit


def connect() -> None:
    """Listen to Django's and allauth's own news of signing in; each has one name in the record."""
    signals.user_logged_in.connect(_signed_in, dispatch_uid="audit")
    signals.user_logged_out.connect(_signed_out, dispatch_uid="audit")
    account.password_changed.connect(_password_changed, dispatch_uid="audit")
    account.password_reset.connect(_password_reset, dispatch_uid="audit")
    account.email_confirmed.connect(_email_confirmed, dispatch_uid="audit")
    account.email_changed.connect(_email_changed, dispatch_uid="audit")
    account.email_added.connect(_email_added, dispatch_uid="audit")
    account.email_removed.connect(_email_removed, dispatch_uid="audit")
    second_factor.authenticator_added.connect(_second_factor_added, dispatch_uid="audit")
    second_factor.authenticator_removed.connect(_second_factor_removed, dispatch_uid="audit")
    second_factor.authenticator_reset.connect(_second_factor_reset, dispatch_uid="audit")
    second_factor.authentication_failed.connect(_second_factor_refused, dispatch_uid="audit")


@contextmanager
def by_command(act: str) -> Iterator[None]:
    """Whoever's account is stored inside, by code that is not ours, is on the record with this act."""

    def stored(sender: Any, instance: User, **_: Any) -> None:
        audit.record(None, act, instance, actor_name="command line")

    post_save.connect(stored, sender=User)
    try:
        yield
    finally:
        post_save.disconnect(stored, sender=User)


def sign_in_failed(user: User | None) -> None:
    """Somebody gave a wrong password or code. What was typed as a name is kept only if it is one: it may be secret."""
    audit.record(None, "sign_in_failed", user, actor_name=user.username if user else "")


def _signed_in(sender: Any, user: User, request: HttpRequest | None = None, **_: Any) -> None:
    records = get_authentication_records(request, user) if request is not None else []
    by = [record.get("type") or record.get("method") for record in records]
    detail: dict[str, Any] = {"by": by} if by else {}
    audit.record(user, "signed_in", user, **detail)


def _signed_out(sender: Any, user: User | None, **_: Any) -> None:
    if user is not None:
        audit.record(user, "signed_out", user)


def _password_changed(sender: Any, user: User, **_: Any) -> None:
    audit.record(user, "password_changed", user)


def _password_reset(sender: Any, user: User, **_: Any) -> None:
    audit.record(user, "password_reset", user)


def _email_changed(sender: Any, user: User, **_: Any) -> None:
    audit.record(user, "email_changed", user)


def _email_added(sender: Any, user: User, **_: Any) -> None:
    audit.record(user, "email_added", user)


def _email_removed(sender: Any, user: User, **_: Any) -> None:
    audit.record(user, "email_removed", user)


def _email_confirmed(sender: Any, request: HttpRequest, email_address: EmailAddress, **_: Any) -> None:
    """By a link that was mailed, or by an administrator's word."""
    actor = request.user if isinstance(request.user, User) else email_address.user
    audit.record(actor, "email_confirmed", email_address.user)


def _second_factor_added(sender: Any, user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record(user, "second_factor_added", user, kind=authenticator.type)


def _second_factor_removed(sender: Any, user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record(user, "second_factor_removed", user, kind=authenticator.type)


def _second_factor_reset(sender: Any, user: User, authenticator: Authenticator, **_: Any) -> None:
    audit.record(user, "second_factor_renewed", user, kind=authenticator.type)


def _second_factor_refused(sender: Any, user: User, **_: Any) -> None:
    sign_in_failed(user)

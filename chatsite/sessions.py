"""Who a session belongs to, without changing it. Used when a websocket opens and when its rights are checked."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from conversations.models import User


def signed_in_user(session_key: str) -> User | None:
    """The active person whose session this is; None when it has ended, or the password has changed since."""
    return signed_in_users([session_key]).get(session_key)


def signed_in_users(session_keys: Collection[str]) -> dict[str, User]:
    """The same for many sessions with two queries; those that do not hold are missing.

    `django.contrib.auth.get_user` may renew or flush the session, which a websocket cannot tell its browser.
    """
    model = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
    rows = model.objects.filter(session_key__in=list(session_keys), expire_date__gt=timezone.now())
    sessions = {row.session_key: row.get_decoded() for row in rows}
    ids = {key: _user_id(session) for key, session in sessions.items()}
    people = {
        user.pk: user for user in User.objects.filter(pk__in=set(ids.values()) - {None}, is_active=True)
    }
    return {
        key: people[id]
        for key, id in ids.items()
        if id in people and _belongs(sessions[key].get(HASH_SESSION_KEY, ""), people[id])
    }


def _user_id(session: dict[str, Any]) -> Any:
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        return User._meta.pk.to_python(session.get(SESSION_KEY))
    except ValidationError:
        return None


def _belongs(signed: str, user: User) -> bool:
    """The session was made with the password of now."""
    accepted = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(signed, own) for own in accepted)

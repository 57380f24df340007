"""Who a session belongs to, without changing it. Used when a websocket opens and when its rights are checked."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

from conversations.models import User


def signed_in_user(session_key: str) -> User | None:
    """The active person whose session this is; None when it has ended, or the password has changed since.

    `django.contrib.auth.get_user` may renew or flush the session, which a websocket cannot tell its browser.
    """
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    if store.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        user = get_user_model().objects.filter(pk=store.get(SESSION_KEY), is_active=True).first()
    except (ValueError, ValidationError):
        return None
    if user is None:
        return None
    signed = store.get(HASH_SESSION_KEY, "")
    accepted = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return user if any(constant_time_compare(signed, own) for own in accepted) else None

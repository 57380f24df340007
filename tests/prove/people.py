"""Makes people with a session each, prints them as JSON. Run in a fork of the zygote, with Django's own means."""

from __future__ import annotations

import json
import sys
from importlib import import_module


def make(count: int, administrators: int = 0) -> None:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from conversations.models import User

    store = import_module(settings.SESSION_ENGINE).SessionStore
    sessions = []
    with transaction.atomic():
        known = User.objects.count()
        for number in range(known, known + count + administrators):
            rights = {"is_staff": True, "is_superuser": True} if number >= known + count else {}
            user = User.objects.create(username=f"person-{number}", password=make_password(None), **rights)
            session = store()
            session[SESSION_KEY] = str(user.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()
            session.save()
            sessions.append(session.session_key)
    json.dump(sessions, sys.stdout)

"""Makes people, sessions and conversations on the data folder of a running server, prints them as JSON.

Run by `server` as `python -m tests.bench.people COUNT` with the server's own environment.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module


def main(count: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from conversations.models import Conversation, Message, User

    store = import_module(settings.SESSION_ENGINE).SessionStore
    pages = []
    with transaction.atomic():
        known = User.objects.count()
        for number in range(known, known + count):
            user = User.objects.create(username=f"reader-{number}", password=make_password(None))
            session = store()
            session[SESSION_KEY] = str(user.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()
            session.save()
            conversation = Conversation.objects.create(
                owner=user, title="Opened before", titled_by_person=True
            )
            question = Message.objects.create(
                conversation=conversation,
                role="user",
                author=user,
                content=[{"type": "text", "text": "Hello?"}],
            )
            answer = Message.objects.create(
                conversation=conversation,
                parent=question,
                role="assistant",
                content=[{"type": "text", "text": "Hello."}],
                model="load",
                stop_reason="end_turn",
            )
            Conversation.objects.filter(pk=conversation.pk).update(current_leaf=answer)
            pages.append({"session": session.session_key, "conversation": str(conversation.pk)})
    json.dump(pages, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""The ASGI application: pages over HTTP, `conversations.routing` over websockets."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

from django.core.asgi import get_asgi_application

application = get_asgi_application()

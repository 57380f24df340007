"""The ASGI application: pages over HTTP, `conversations.routing` over websockets. Served by `server`."""

from __future__ import annotations

import os
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

import django

django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from conversations.routing import websocket_urlpatterns

from .handler import PageHandler
from .proxies import TrustedProxies
from .sockets import SocketGate, refuse

application = TrustedProxies(
    ProtocolTypeRouter(
        {
            "http": PageHandler(),
            "websocket": SocketGate(URLRouter([*websocket_urlpatterns, re_path("", cast(Any, refuse))])),
        }
    ),
    settings.TRUSTED_PROXIES,
)

"""Websocket addresses. Used by the ASGI application, behind its gate for origins and sessions."""

from __future__ import annotations

from typing import Any

from django.urls import path

from .consumers.conversation import ConversationSocket
from .consumers.socket import WorkspaceSocket

websocket_urlpatterns: list[Any] = [
    path("ws/", WorkspaceSocket.as_asgi()),
    path("ws/conversations/<uuid:id>/", ConversationSocket.as_asgi()),
]

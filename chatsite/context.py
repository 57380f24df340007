"""What every template may use besides its view's own context."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from conversations.models import Workspace


def workspace(request: HttpRequest) -> dict[str, Any]:
    """The workspace (asked for only where a template shows it) and whether mail can be sent."""
    return {"workspace": SimpleLazyObject(Workspace.objects.current), "mail_works": settings.MAIL_WORKS}

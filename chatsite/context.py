"""What every template may use besides its view's own context."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from conversations.models import Workspace


def workspace(request: HttpRequest) -> dict[str, Any]:
    """The workspace (asked for only where a template shows it), whether mail can be sent, and what else signs in."""
    return {
        "workspace": SimpleLazyObject(Workspace.objects.current),
        "mail_works": settings.MAIL_WORKS,
        "single_sign_on": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }

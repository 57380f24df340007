"""How a refusal is answered, whichever view it comes from: the contract's error object for programs, a plain page for
people; missing and forbidden objects alike. Named in MIDDLEWARE.
"""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from chatsite.errors import json_error, not_found, unavailable, wants_json

from ..access import NotFound
from ..actions.errors import Changed, Refused
from ..models.encryption import SecretUnreadable

logger = logging.getLogger(__name__)

_CHANGED = (
    "Something that this refers to was changed or removed at the same moment. Reload the page and try again."
)
_SECRET_LOST = (
    "This was encrypted with a secret that the server no longer has. Ask your administrator, who can take the second "
    "step away so that you can set it up again."
)


class Refusals(MiddlewareMixin):
    """Answers what views raise on purpose; everything else stays Django's."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, NotFound):
            return not_found(request)
        if isinstance(exception, Refused):
            return refused(request, exception)
        if isinstance(exception, RequestDataTooBig):
            return _refusal(request, 413, "request_too_large", "This is larger than the site accepts.")
        if isinstance(exception, SecretUnreadable):
            # Of a second step: what concerns providers is said where they are.
            logger.error("What a request to %s needs cannot be decrypted.", request.path, exc_info=exception)
            return _refusal(request, 503, "secret_lost", _SECRET_LOST)
        if isinstance(exception, OperationalError):
            logger.error("The database failed on a request to %s.", request.path, exc_info=exception)
            return _without_a_line(unavailable(request))
        if isinstance(exception, IntegrityError) and _refers_to_nothing(exception):
            # What views and actions look up may be gone by the time they store something that refers to it.
            logger.error("What a request to %s referred to is gone.", request.path, exc_info=exception)
            return _refusal(request, Changed.status, Changed.type, _CHANGED)
        return None


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return _refusal(request, error.status, error.type, error.message, **error.more)


def _refers_to_nothing(error: IntegrityError) -> bool:
    """Whether it is a foreign key's; anything else that does not fit is our own fault."""
    return getattr(error.__cause__, "sqlstate", "") == "23503" or "FOREIGN KEY" in str(error)


def _refusal(request: HttpRequest, status: int, type: str, message: str, **more: str) -> HttpResponse:
    if wants_json(request):
        return _without_a_line(json_error(status, type, message, **more))
    context = {"heading": "That did not work", "message": message}
    return _without_a_line(render(request, "error.html", context, status=status))


def _without_a_line(response: HttpResponse) -> HttpResponse:
    """Django would log a refusal on purpose (about to stop, say) as an error of the server."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response

"""What a request brings with it, in its address or from a form or JSON alike, and how a refusal is answered. Used by
the views.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from chatsite.errors import json_error, wants_json

from ..access import NotFound
from ..actions.errors import Invalid, Refused
from ..models import User

logger = logging.getLogger(__name__)

_DATABASE_AWAY = (
    "The server cannot save anything right now. Nothing was sent; your text is still here. "
    "Try again in a moment."
)
View = TypeVar("View", bound=Callable[..., HttpResponseBase])
SETTINGS = (
    "system", "max_tokens", "stop_sequences", "temperature", "top_p", "top_k", "thinking", "budget_tokens", "effort",
)  # fmt: skip


def whole_number(text: str, default: int, *, digits: int) -> int:
    """The number that an address names in so many ASCII digits at most, or the default."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else default


class Fields:
    """The fields of a request body: urlencoded, multipart or JSON with the same names."""

    def __init__(self, request: HttpRequest) -> None:
        if request.content_type == "application/json":
            self._values = _json_object(request)
            given = self._values.get("attachments")
            files = given if isinstance(given, list) else [given]
        else:
            self._values = dict(request.POST.items())
            files = request.POST.getlist("attachments")
        # A field that is there and empty is none, as with the other fields.
        self.attachments = [str(item) for item in files if item not in (None, "")]

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """The field as text, "" when it is missing. Raises Invalid when it is something else."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Invalid(f"{name} must be text.")
        return value

    def word(self, name: str) -> str:
        """The field as a form would send it: of JSON also `true`, `false` and a whole number."""
        value = self._values.get(name)
        return str(value).lower() if isinstance(value, int) else self.text(name)

    def identifier(self, name: str) -> uuid.UUID | None:
        """The field as a UUID, None when it is missing or empty. Raises Invalid when it is something else."""
        value = self._values.get(name)
        if value in (None, ""):
            return None
        try:
            return uuid.UUID(str(value))
        except ValueError:
            raise Invalid(f"{name} must be a UUID.") from None

    def client_id(self) -> uuid.UUID:
        """The send's own id; a client that gives none cannot repeat its send."""
        return self.identifier("client_id") or uuid.uuid4()

    def settings(self) -> dict[str, Any]:
        return {name: self._values[name] for name in SETTINGS if name in self._values}

    def attachment_ids(self) -> list[uuid.UUID]:
        """The files to send, in order. Raises Invalid when one is no UUID."""
        try:
            return [uuid.UUID(id) for id in self.attachments]
        except ValueError:
            raise Invalid("attachments must be UUIDs.") from None


def _json_object(request: HttpRequest) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise Invalid("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object.")
    return value


def answers_refusals(view: View) -> View:
    """A refusal becomes the contract's error object, or a plain page; missing and forbidden become 404."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFound:
            raise Http404 from None
        except Refused as refused:
            return refusal(request, refused.status, refused.type, refused.message, **refused.more)
        except RequestDataTooBig:
            return refusal(request, 413, "request_too_large", "This is larger than the site accepts.")
        except OperationalError:
            # The disk is full, the database away or locked for long: nothing was stored.
            logger.exception("The database failed on a request to %s.", request.path)
            return refusal(request, 503, "unavailable", _DATABASE_AWAY)

    return wrapped  # type: ignore[return-value]


def refusal(request: HttpRequest, status: int, type: str, message: str, **more: str) -> HttpResponse:
    if wants_json(request):
        response: HttpResponse = json_error(status, type, message, **more)
    else:
        response = render(
            request, "error.html", {"heading": "That did not work", "message": message}, status=status
        )
    # Django would log a refusal on purpose (about to stop, say) as an error of the server.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def answer(request: HttpRequest, body: dict[str, Any], page: str, status: int = 200) -> HttpResponse:
    """JSON for programs; people who posted a form are sent to the page."""
    return JsonResponse(body, status=status) if wants_json(request) else redirect(page)


def person(request: HttpRequest) -> User:
    """The signed-in person; the sign-in middleware lets nobody else through."""
    assert isinstance(request.user, User)
    return request.user

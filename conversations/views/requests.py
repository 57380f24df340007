"""What a request brings with it, in its address or from a form or JSON alike. Used by the views; what is wrong with it
they refuse (`refusals`).
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render

from chatsite.errors import not_found, wants_json

from ..actions.errors import Invalid
from ..models import User

SETTINGS = (
    "system", "max_tokens", "stop_sequences", "temperature", "top_p", "top_k", "thinking", "budget_tokens", "effort",
)  # fmt: skip


def whole_number(text: str, default: int, *, digits: int) -> int:
    """The number that an address names in so many ASCII digits at most, or the default."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else default


class Fields:
    """The fields of a request body: urlencoded, multipart or JSON with the same names. Raises Invalid when it is
    broken JSON, or brings a file where the id of one is meant: the message would go without it.
    """

    def __init__(self, request: HttpRequest) -> None:
        if request.content_type == "application/json":
            self._values = _json_object(request)
            given = self._values.get("attachments")
            files = given if isinstance(given, list) else [given]
        else:
            self._values = dict(request.POST.items())
            files = request.POST.getlist("attachments")
            if "attachments" in request.FILES:
                raise Invalid("attachments must be the ids of files that were sent to /attachments/ before.")
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
        """The field as a form would send it: of JSON also `true`, `false` and a number. Raises Invalid when it is
        something else.
        """
        value = self._values.get(name)
        return "" if value is None else _word(name, value)

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


def _word(name: str, value: object) -> str:
    if isinstance(value, int | float):
        return str(value).lower()
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.")
    return value


def form_data(request: HttpRequest) -> QueryDict:
    """What was sent with a form, or as JSON with the same names: a list is a field several times, null none. Raises
    Invalid when it is broken JSON, or holds what a form cannot, or more than one may.
    """
    if request.content_type != "application/json":
        return request.POST
    given = QueryDict(mutable=True)
    for name, value in _json_object(request).items():
        items = value if isinstance(value, list) else [value]
        given.setlist(name, [_word(name, item) for item in items if item is not None])
    if sum(map(len, dict.values(given))) > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise Invalid("These are too many fields.")
    return given


def posted(request: HttpRequest) -> QueryDict | None:
    """As `form_data`; None when the form's page was only opened: an unbound form is neither valid nor wrong."""
    return form_data(request) if request.method == "POST" else None


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page with the form of `context`, 400 when something is wrong about that. Raises Invalid then where a program
    asks.
    """
    form: BaseForm = context["form"]
    if form.errors and wants_json(request):
        raise Invalid(" ".join(_problem(form, name) for name in form.errors))
    return render(request, template, context, status=400 if form.errors else 200)


def closed(request: HttpRequest, template: str) -> HttpResponse:
    """What a link that opens nothing leads to: a page that says so, or the refusal of everything that is not there."""
    return not_found(request) if wants_json(request) else render(request, template, status=404)


def _problem(form: BaseForm, name: str) -> str:
    sentences = " ".join(map(str, form.errors[name]))
    return sentences if name == NON_FIELD_ERRORS else f"{form[name].label}: {sentences}"


def answer(
    request: HttpRequest, body: dict[str, Any], page: str, status: int = 200, *, message: str = ""
) -> HttpResponse:
    """JSON for programs; people who posted a form are sent to the page, which shows them the message."""
    if wants_json(request):
        return JsonResponse(body, status=status)
    if message:
        messages.success(request, message)
    return redirect(page)


def person(request: HttpRequest) -> User:
    """The signed-in person; the sign-in middleware lets nobody else through."""
    assert isinstance(request.user, User)
    return request.user

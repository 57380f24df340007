"""The forms of accounts, which are allauth's, take JSON with the same names as every other request, and refuse in JSON;
our own views read theirs (`requests`). Named in MIDDLEWARE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from chatsite.errors import wants_json

from ..actions.errors import Refused
from .refusals import refused
from .requests import form_data


class JsonForms(MiddlewareMixin):
    """Puts what came as JSON where allauth looks for a form, and what its page says of the form into JSON."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], *arguments: object
    ) -> HttpResponse | None:
        if request.method == "POST" and _is_of_accounts(view):
            try:
                request.POST = form_data(request)  # type: ignore[assignment]
            except Refused as error:
                return refused(request, error)
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """allauth itself does so for some of its forms, but not for those of the second step."""
        shown = getattr(response, "context_data", None)
        if not shown or request.resolver_match is None or not wants_json(request):
            return response
        if not _is_of_accounts(request.resolver_match.func):
            return response
        # A page may have a form for a code beside one for a passkey.
        wrong = next((form for form in shown.values() if isinstance(form, BaseForm) and form.errors), None)
        told: HttpResponseBase = get_adapter().ajax_response(request, response, form=wrong)
        return told


def _is_of_accounts(view: Callable[..., Any]) -> bool:
    return view.__module__.startswith("allauth.")

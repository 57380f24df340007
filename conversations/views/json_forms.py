"""JSON bodies for the forms of allauth, which reads forms alone; our own views read theirs (`requests`). Named in
MIDDLEWARE.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from ..actions.errors import Refused
from .refusals import refused
from .requests import form_data


class JsonForms(MiddlewareMixin):
    """Signing in and the like take JSON with the same names, as every other request does."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *arguments: object
    ) -> HttpResponse | None:
        if request.method == "POST" and view.__module__.startswith("allauth."):
            try:
                request.POST = form_data(request)  # type: ignore[assignment]
            except Refused as error:
                return refused(request, error)
        return None

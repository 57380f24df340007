"""What every request passes: health for probes, security headers, signing in, the person's time zone,
compression.
"""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseFileResponse

from conversations.models import User

from . import errors, known_sessions
from .address import LOOPBACK, origin_of
from .logging import request_id

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def security_headers(get_response: GetResponse) -> GetResponse:
    """Headers of every answer; a view that needs others (a stored file) has set its own already.

    Static files need one of them only: the rest is about pages, and a page loads fifty files.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        # Lines that are logged on the way say which request they belong to.
        token = request_id.set(uuid.uuid4().hex[:16])
        try:
            response = get_response(request)
        finally:
            request_id.reset(token)
        response = errors.dressed(request, response)
        if isinstance(response, WhiteNoiseFileResponse):
            response.headers["X-Content-Type-Options"] = "nosniff"
            return cast(HttpResponseBase, response)
        for name, value in settings.SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def probes(get_response: GetResponse) -> GetResponse:
    """A probe on this machine calls by a loopback name, whatever the public one is, and without https."""
    from conversations.views.health import healthz, readyz

    views = {"/healthz": healthz, "/readyz": readyz}

    def middleware(request: HttpRequest) -> HttpResponseBase:
        view = views.get(request.path_info)
        if view and split_domain_port(request.META.get("HTTP_HOST", ""))[0] in LOOPBACK:
            answer: HttpResponseBase = view(request)
            return answer
        return get_response(request)

    return middleware


def public_host(get_response: GetResponse) -> GetResponse:
    """Links (in mails, too) carry the public address: a Host header may name another port of an allowed name."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if settings.PUBLIC_URL:
            request.get_host()  # refuses foreign names
            request.META["HTTP_HOST"] = origin_of(settings.PUBLIC_URL).partition("//")[2]
        return get_response(request)

    return middleware


class KnownNumbers(MiddlewareMixin):
    """An id beyond all numbers of the database is a bad request; Django's fields for several rows let it through."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        too_large = isinstance(exception, OverflowError) and "SQLite INTEGER" in str(exception)
        return errors.bad_request(request) if too_large else None


class SignInRequired(LoginRequiredMiddleware):
    """Every view needs a signed-in person unless it says otherwise. Programs get 401, people a form."""

    def process_view(self, request: HttpRequest, *view: Any) -> Any:
        if request.user.is_authenticated:
            known_sessions.note(request.session.session_key)
        return super().process_view(request, *view)

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if errors.wants_json(request):
            return errors.json_error(401, "authentication_required", "Sign in first.")
        return super().handle_no_permission(request, view_func)


def time_zone(get_response: GetResponse) -> GetResponse:
    """Times are shown in the zone that the person chose."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        name = user.time_zone if isinstance(user, User) else ""
        try:
            zone = zoneinfo.ZoneInfo(name) if name else None
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            zone = None
        with timezone.override(zone):
            return get_response(request)

    return middleware


def audit_address(get_response: GetResponse) -> GetResponse:
    """What a request changes is recorded with the address that it came from."""
    from conversations.actions import audit

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with audit.coming_from(request.META.get("REMOTE_ADDR")):
            return get_response(request)

    return middleware


class CompressPages(GZipMiddleware):
    """Compresses HTML alone: streams must not wait, files are compressed already, JSON is small."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        assert isinstance(response, HttpResponse)
        return super().process_response(request, response)

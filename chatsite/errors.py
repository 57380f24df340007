"""Errors as the contract has them: JSON for programs, a plain page for people. Used by `urls`, middleware,
`conversations.views.refusals` and views.
"""

from __future__ import annotations

import sys
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template import loader

_SENTENCES = {
    400: ("invalid_request", "That did not work", "The request is not valid."),
    403: ("forbidden", "Not allowed", "You may not do this."),
    404: ("not_found", "Nothing here", "This does not exist, or you may not see it."),
    405: ("method_not_allowed", "Not allowed", "This address does not accept this kind of request."),
    416: ("range_not_satisfiable", "Nothing here", "There is nothing in this range."),
    503: (
        "unavailable",
        "That did not work",
        "The server cannot save anything right now. Nothing was sent; your text is still here. Try again in a moment.",
    ),
    500: ("internal_error", "Something went wrong", "The error has been logged. Try again."),
}


# Names of addresses that have no page: who does not ask for one (a browser does) is refused in JSON as well.
_WITHOUT_PAGE = (
    "attachments", "attachment", "attachment-thumbnail", "conversation-export", "generation-stop", "generation-events",
)  # fmt: skip


def wants_json(request: HttpRequest) -> bool:
    """Whether the client asked for JSON, speaks it, or follows an answer's events, rather than wants a page."""
    accepted = request.headers.get("Accept", "").lower()
    return (
        "application/json" in (request.content_type or "")
        or "application/json" in accepted
        or "text/event-stream" in accepted
        or ("text/html" not in accepted and _has_no_page(request))
    )


def _has_no_page(request: HttpRequest) -> bool:
    name = request.resolver_match.url_name if request.resolver_match else None
    # A form may be posted where the list of messages is.
    return name in _WITHOUT_PAGE or (name == "conversation-send" and request.method != "POST")


def json_error(status: int, type: str, message: str, **more: str) -> JsonResponse:
    """`{"error":{"type","message"}}`, and what else there is to know."""
    return JsonResponse({"error": {"type": type, "message": message, **more}}, status=status)


def unseen(status: int) -> bytes:
    """The error object of a request that never reached Django."""
    type, _, message = _SENTENCES[status]
    return json_error(status, type, message).content


def _answer(request: HttpRequest, status: int, type: str = "", message: str = "") -> HttpResponse:
    plain_type, heading, plain_message = _SENTENCES[status]
    type, message = type or plain_type, message or plain_message
    if wants_json(request):
        return json_error(status, type, message)
    # Without the request: no context processor may fail, or ask the database, while an error is shown.
    page = loader.get_template("error.html").render({"heading": heading, "message": message})
    return HttpResponse(page, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 400)


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The disk is full, the database away or locked for long: nothing was stored."""
    return _answer(request, 503)


def server_error(request: HttpRequest) -> HttpResponse:
    # The session is read before any view: a database that is away comes here, not to `refusals`.
    is_away = isinstance(sys.exception(), OperationalError)
    return unavailable(request) if is_away else _answer(request, 500)


def dressed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer itself, or a sentence in place of an empty one: Django and WhiteNoise refuse methods without a word,
    allauth a wrong key. Headers (`Allow`) and cookies stay.
    """
    if response.status_code not in (400, 405, 416) or getattr(response, "content", None):
        return response
    found = _answer(request, response.status_code)
    for name, value in response.items():
        if name.lower() not in ("content-type", "content-length"):
            found.headers[name] = value
    found.cookies = response.cookies
    found._has_been_logged = True  # type: ignore[attr-defined]
    return found


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    message = "The page was open for too long, or the request came from another site. Reload the page and try again."
    return _answer(request, 403, "csrf_failed", message)

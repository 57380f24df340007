"""One address, one view per method. Used by `urls` where the contract puts a list and a write on the same path."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

View = Callable[..., HttpResponse]


def by_method(*, get: View, post: View) -> View:
    def view(request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.method == "POST":
            return post(request, **kwargs)
        if request.method in ("GET", "HEAD"):
            return get(request, **kwargs)
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])

    return view

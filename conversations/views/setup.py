"""/setup/<token>/: the first administrator chooses a name and a password."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatsite.accounts import BACKEND

from ..actions import people
from ..actions.errors import Invalid
from ..forms.setup import FirstAdministratorForm
from .requests import form_page, posted


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def first_administrator(request: HttpRequest, token: str) -> HttpResponse:
    if not people.setup_link_open(token):
        return _used_up(request)
    form = FirstAdministratorForm(posted(request))
    if form.is_valid():
        data = form.cleaned_data
        try:
            user = people.create_first_administrator(
                token, data["username"], data["email"], data["password1"]
            )
        except Invalid:
            return _used_up(request)
        login(request, user, backend=BACKEND)
        return redirect("/")
    return form_page(request, "setup/first_administrator.html", {"form": form})


def _used_up(request: HttpRequest) -> HttpResponse:
    return render(request, "setup/used_up.html", status=404)

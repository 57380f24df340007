"""/setup/<token>/: the first administrator chooses a name and a password."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from chatsite.accounts import BACKEND

from ..actions import people
from ..actions.errors import Invalid
from ..forms.setup import FirstAdministratorForm
from .requests import answer, closed, form_page, posted

_USED_UP = "setup/used_up.html"


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def first_administrator(request: HttpRequest, token: str) -> HttpResponse:
    if not people.setup_link_open(token):
        return closed(request, _USED_UP)
    form = FirstAdministratorForm(posted(request))
    if form.is_valid():
        data = form.cleaned_data
        try:
            user = people.create_first_administrator(
                token, data["username"], data["email"], data["password1"]
            )
        except Invalid:
            return closed(request, _USED_UP)
        login(request, user, backend=BACKEND)
        return answer(request, {"location": "/"}, "/")
    return form_page(request, "setup/first_administrator.html", {"form": form})

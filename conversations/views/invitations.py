"""/people/invitations/ for administrators, and the page behind an invitation's link."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from chatsite.accounts import BACKEND
from chatsite.errors import wants_json

from .. import access
from ..actions import invitations as acts
from ..actions.errors import Invalid
from ..forms.invitation import AcceptInvitationForm, InvitationForm
from ..models import Invitation
from .requests import answer, closed, form_page, posted

SHOWN = 100


@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    """The list; a POST makes one. Its link goes out by mail, or is shown on this page alone."""
    actor = access.administrator(request.user)
    form = InvitationForm(posted(request))
    url = ""
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            made, token = acts.invite(
                actor, chosen["role"], list(chosen["groups"]), chosen["email"], chosen["days"]
            )
        except Invalid as refused:
            form.add_error(None, refused.message)
        else:
            url = request.build_absolute_uri(reverse("invitation", args=[token]))
            if made.email and settings.MAIL_WORKS:
                url = _sent(request, made, url)
            if wants_json(request):
                return answer(request, {"invitation": made.pk, "url": url}, "", 201)
            form = InvitationForm()
    rows = Invitation.objects.filter(first_administrator=False).select_related("created_by", "used_by")
    context = {
        "form": form,
        "url": url,
        "invitations": rows.prefetch_related("groups").order_by("-created_at")[:SHOWN],
    }
    return form_page(request, "people/invitations.html", context)


def _sent(request: HttpRequest, invitation: Invitation, url: str) -> str:
    """Empty when the mail is on its way; else the link, to be handed over in another way."""
    level, message, left = messages.SUCCESS, f"The invitation went to {invitation.email}.", ""
    try:
        acts.send(invitation, url)
    except Invalid as refused:
        level, message, left = messages.ERROR, f"{refused.message} Copy the link instead.", url
    if not wants_json(request):
        messages.add_message(request, level, message)
    return left


@require_POST
def revoke(request: HttpRequest, invitation: int) -> HttpResponse:
    actor = access.administrator(request.user)
    acts.revoke(actor, get_object_or_404(Invitation, pk=invitation, first_administrator=False))
    return answer(request, {"revoked": True}, reverse("invitations"))


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """/invitation/<token>/: name and password make the account, and it is signed in."""
    found = acts.opened_by(token)
    if found is None:
        return closed(request, "people/link_used_up.html")
    form = AcceptInvitationForm(posted(request), email=found.email)
    if form.is_valid():
        data = form.cleaned_data
        try:
            user = acts.accept(token, data["username"], data["email"], data["password1"])
        except Invalid as refused:
            if acts.opened_by(token) is None:
                return closed(request, "people/link_used_up.html")
            form.add_error(None, refused.message)
        else:
            login(request, user, backend=BACKEND)
            return answer(request, {"location": "/"}, "/")
    context = {"form": form, "invitation": found}
    return form_page(request, "people/accept.html", context)

"""/workspace/: what holds for everybody here. For administrators."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from .. import access
from ..actions import offers
from ..forms.provider import WorkspaceForm
from ..models import Workspace
from .requests import answer


@require_http_methods(["GET", "HEAD", "POST"])
def workspace(request: HttpRequest) -> HttpResponse:
    actor = access.administrator(request.user)
    current = Workspace.objects.current()
    initial = {
        name: getattr(current, name)
        for name in ("name", "default_model", "system_prompt", "public_links", "retention_days")
    }
    form = WorkspaceForm(request.POST or None, initial=initial | {"starters": "\n".join(current.starters)})
    if request.method == "POST" and form.is_valid():
        offers.save_workspace(actor, form.cleaned_data)
        messages.success(request, "Saved.")
        return answer(request, {"saved": True}, reverse("workspace"))
    return render(request, "providers/workspace.html", {"form": form}, status=400 if form.errors else 200)

"""/workspace/: what holds for everybody here. For administrators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from .. import access
from ..actions import workspace as acts
from ..forms.provider import WorkspaceForm
from ..models import Workspace
from .requests import answer, form_page, posted


@require_http_methods(["GET", "HEAD", "POST"])
def workspace(request: HttpRequest) -> HttpResponse:
    actor = access.administrator(request.user)
    current = Workspace.objects.current()
    initial = {
        name: getattr(current, name)
        for name in ("name", "default_model", "system_prompt", "public_links", "retention_days")
    }
    form = WorkspaceForm(posted(request), initial=initial | {"starters": "\n".join(current.starters)})
    if form.is_valid():
        acts.save(actor, form.cleaned_data)
        return answer(request, {"saved": True}, reverse("workspace"), message="Saved.")
    return form_page(request, "providers/workspace.html", {"form": form})

"""/providers/: who answers, as which models, for whom and at what price. For administrators."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatsite.errors import wants_json

from .. import access
from ..actions import offers, retirement
from ..actions.errors import Invalid
from ..actions.refused_keys import refused_keys
from ..forms.provider import ModelForm, ProviderForm
from ..generation import provider_calls
from ..models import LanguageModel, Provider
from ..models.encryption import SecretUnreadable
from ..upstream.errors import UpstreamError
from .requests import Fields, answer, form_data, form_page, posted

_FORM = ["GET", "HEAD", "POST"]
_STEPS = {"up": -1, "down": 1}


@require_safe
def providers(request: HttpRequest) -> HttpResponse:
    """GET /providers/: providers with their models, and the order of the picker."""
    access.administrator(request.user)
    models = LanguageModel.objects.select_related("provider", "replacement").prefetch_related(
        "allowed_groups"
    )
    context = {
        "providers": Provider.objects.order_by("pk"),
        "models": [_named(row) for row in models.order_by("-enabled", "position", "pk")],
        "refused_keys": refused_keys(),
    }
    return render(request, "providers/providers.html", context)


@sensitive_post_parameters("api_key", "extra_headers")
@require_http_methods(_FORM)
def new(request: HttpRequest) -> HttpResponse:
    access.administrator(request.user)
    return _edited(request, Provider())


@sensitive_post_parameters("api_key", "extra_headers")
@require_http_methods(_FORM)
def provider(request: HttpRequest, provider: int) -> HttpResponse:
    access.administrator(request.user)
    return _edited(request, get_object_or_404(Provider, pk=provider))


@require_POST
def remove(request: HttpRequest, provider: int) -> HttpResponse:
    actor = access.administrator(request.user)
    retirement.remove(actor, get_object_or_404(Provider, pk=provider))
    return answer(request, {"removed": True}, reverse("providers"), message="The provider was removed.")


@require_POST
def models_offered(request: HttpRequest, provider: int) -> HttpResponse:
    """POST …/list/: the provider's own list of models, to choose from; what it says of those that are here is kept."""
    actor = access.administrator(request.user)
    found = get_object_or_404(Provider, pk=provider)
    context = _context(found, ProviderForm(found))
    try:
        known = set(found.language_models.values_list("model_id", flat=True))
        listed = provider_calls.offered_by(found)
        offers.note_listed(actor, found, {one.id: one.capabilities for one in listed})
        context["offered"] = [one for one in listed if known.isdisjoint({one.id, *one.aliases})]
        context["listed"] = json.dumps(
            {one.id: one.capabilities for one in context["offered"] if one.capabilities}
        )
        context["asked"] = True
    except UpstreamError as error:
        context["problem"] = provider_calls.told(error)
    except (ValueError, SecretUnreadable) as error:
        context["problem"] = str(error)
    if wants_json(request):
        if "problem" in context:
            raise Invalid(context["problem"])
        models = [
            {"id": one.id, "name": one.display_name, "capabilities": one.capabilities}
            for one in context["offered"]
        ]
        return JsonResponse({"models": models})
    return render(request, "providers/provider.html", context)


@require_POST
def add_models(request: HttpRequest, provider: int) -> HttpResponse:
    """POST …/models/: `model`, once or more often (the ids); `listed` is what the form said that they can do."""
    actor = access.administrator(request.user)
    found = get_object_or_404(Provider, pk=provider)
    given = form_data(request)
    ids = given.getlist("model") or [""]
    try:
        listed = json.loads(given.get("listed") or "{}")
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, dict):
        raise Invalid("“listed” must be a JSON object.")
    labels = [(id, given.get(f"label:{id}", "")) for id in ids]
    made = offers.add_models(actor, found, labels, listed)
    body = {"added": [row.model_id for row in made]}
    message = "Added." if made else "These models are already here."
    return answer(request, body, reverse("provider", args=[found.pk]), message=message)


@require_http_methods(_FORM)
def language_model(request: HttpRequest, model: int) -> HttpResponse:
    actor = access.administrator(request.user)
    found = _model(model)
    form = ModelForm(found, posted(request))
    if form.is_valid():
        try:
            offers.change_model(actor, found, form.values(), list(form.cleaned_data["allowed_groups"]))
        except Invalid as refused:
            form.add_error(None, refused.message)
        else:
            return answer(request, {"saved": True}, reverse("providers"), message="Saved.")
    context = {"model": found, "name": _named(found)["name"], "form": form}
    return form_page(request, "providers/model.html", context)


@require_POST
def try_model(request: HttpRequest, model: int) -> HttpResponse:
    """POST …/test/: a real call for one token."""
    actor = access.administrator(request.user)
    found = _model(model)
    tried = provider_calls.try_model(actor, found)
    if wants_json(request):
        return answer(request, {"works": tried.works, "message": tried.sentence}, "")
    context = _context(found.provider, ProviderForm(found.provider)) | {"tried": tried, "tried_model": found}
    return render(request, "providers/provider.html", context)


@require_POST
def remove_model(request: HttpRequest, model: int) -> HttpResponse:
    actor = access.administrator(request.user)
    retirement.remove(actor, _model(model))
    return answer(request, {"removed": True}, reverse("providers"), message="The model was removed.")


@require_POST
def move_model(request: HttpRequest, model: int) -> HttpResponse:
    """POST …/move/: one place `up` or `down` in the picker (`to`)."""
    actor = access.administrator(request.user)
    ids = list(LanguageModel.objects.order_by("-enabled", "position", "pk").values_list("pk", flat=True))
    if model not in ids:
        raise access.NotFound
    to = Fields(request).text("to")
    if to not in _STEPS:
        raise Invalid("A model moves up or down.")
    place = ids.index(model)
    other = place + _STEPS[to]
    if 0 <= other < len(ids):
        ids[place], ids[other] = ids[other], ids[place]
    offers.order_models(actor, ids)
    return answer(request, {"order": ids}, reverse("providers"))


def _edited(request: HttpRequest, found: Provider) -> HttpResponse:
    form = ProviderForm(found, posted(request))
    if form.is_valid():
        values: dict[str, Any] = dict(form.cleaned_data)
        key = values.pop("api_key").strip()
        try:
            saved = offers.save_provider(access.administrator(request.user), found, values, key)
        except Invalid as refused:
            form.add_error(None, refused.message)
        else:
            page = reverse("provider", args=[saved.pk])
            return answer(request, {"provider": saved.pk}, page, message="Saved.")
    return form_page(request, "providers/provider.html", _context(found, form))


def _context(found: Provider, form: ProviderForm) -> dict[str, Any]:
    rows = (
        found.language_models.select_related("provider").order_by("position", "pk")
        if found.pk is not None
        else []
    )
    models = [_named(row) for row in rows]
    read_only = found.source != Provider.Source.ADMIN
    key_refused = found.pk is not None and found in refused_keys()
    return {
        "provider": found, "form": form, "models": models, "read_only": read_only, "key_refused": key_refused,
    }  # fmt: skip


def _named(row: LanguageModel) -> dict[str, Any]:
    """A model with the name that people see in the picker."""
    return {
        "row": row,
        "name": row.name,
    }


def _model(id: int) -> LanguageModel:
    return get_object_or_404(LanguageModel.objects.select_related("provider", "replacement"), pk=id)

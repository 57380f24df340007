"""/account/: what a person may change about themselves."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chatsite.errors import json_error, wants_json
from conversations.forms.account import PreferencesForm
from conversations.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """The page; a POST may carry any of the fields, those left out stay (the theme switch sends one)."""
    assert isinstance(request.user, User)
    person = User.objects.get(pk=request.user.pk)
    if request.method != "POST":
        return render(request, "account/preferences.html", {"form": PreferencesForm(instance=person)})
    names = PreferencesForm.Meta.fields
    values = {name: request.POST.get(name, getattr(person, name)) for name in names}
    form = PreferencesForm(values, instance=person)
    if not form.is_valid():
        if wants_json(request):
            return json_error(
                400,
                "invalid_request",
                " ".join(str(text) for texts in form.errors.values() for text in texts),
            )
        return render(request, "account/preferences.html", {"form": form}, status=400)
    User.objects.filter(pk=person.pk).update(**{name: form.cleaned_data[name] for name in names})
    if wants_json(request):
        return JsonResponse({name: form.cleaned_data[name] for name in names})
    messages.success(request, "Saved.")
    return redirect("account")

"""/account/: what a person may change about themselves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ..actions import people
from ..forms.account import PreferencesForm
from ..models import User
from .requests import answer, form_page, posted


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """The page; a POST may carry any of the fields, those left out stay (the theme switch sends one)."""
    assert isinstance(request.user, User)
    person = User.objects.get(pk=request.user.pk)
    names = PreferencesForm.Meta.fields
    given = posted(request)
    values = None if given is None else {name: given.get(name, getattr(person, name)) for name in names}
    form = PreferencesForm(values, instance=person)
    if not form.is_valid():
        return form_page(request, "account/preferences.html", {"form": form})
    chosen = {name: form.cleaned_data[name] for name in names}
    people.choose_preferences(person, chosen)
    return answer(request, chosen, reverse("account"), message="Saved.")

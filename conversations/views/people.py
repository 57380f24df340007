"""/people/: who has an account and what they may do; groups; a member's new password. For administrators."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatsite.errors import wants_json

from .. import access
from ..actions import groups as grouping
from ..actions import identities, removal
from ..actions import people as acts
from ..actions.errors import Invalid
from ..forms.person import GroupForm, NewPasswordForm, PersonGroupsForm, RemovalForm
from ..models import User
from ..models.whatever_case import holds, words_of
from .requests import Fields, answer, closed, form_data, form_page, posted, whole_number

PAGE = 50
QUERY_CHARACTERS = 200
ACTS = {
    "deactivate": (acts.deactivate, "{} was deactivated and signed out everywhere."),
    "reactivate": (acts.reactivate, "{} can sign in again."),
    "administrator": (acts.make_administrator, "{} is now an administrator."),
    "member": (acts.make_member, "{} is now a member."),
    "sign-out": (acts.sign_out_everywhere, "{} was signed out everywhere."),
    "unlink": (identities.unlink, "{} is no longer linked to single sign-on."),
    "second-step": (acts.remove_second_step, "{} now signs in with the password alone."),
}


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """GET /people/?q=&page=: everybody, those who are active first."""
    access.administrator(request.user)
    query = request.GET.get("q", "").replace("\x00", "")[:QUERY_CHARACTERS]
    found = User.objects.prefetch_related("groups")
    for word in words_of(query):
        found = found.filter(holds("username", word) | holds("display_name", word) | holds("email", word))
    number = max(1, whole_number(request.GET.get("page", "1"), 1, digits=6))
    rows = list(found.order_by("-is_active", "username")[(number - 1) * PAGE : number * PAGE + 1])
    return render(
        request,
        "people/people.html",
        {
            "people": rows[:PAGE],
            "query": query,
            "later": number + 1 if len(rows) > PAGE else None,
            "earlier": number - 1 if number > 1 else None,
        },
    )


@require_safe
def person(request: HttpRequest, person: int) -> HttpResponse:
    """GET /people/<id>/: one account."""
    access.administrator(request.user)
    return _person_page(request, get_object_or_404(User, pk=person))


@require_POST
def act(request: HttpRequest, person: int) -> HttpResponse:
    """POST /people/<id>/act/: `act` is one of ACTS."""
    actor = access.administrator(request.user)
    found = get_object_or_404(User, pk=person)
    name = Fields(request).text("act")
    if name not in ACTS:
        raise Invalid("This cannot be done to a person.")
    run, sentence = ACTS[name]
    run(actor, found)
    message = sentence.format(found.name)
    return answer(request, {"done": name}, reverse("person", args=[found.pk]), message=message)


@require_POST
def into_groups(request: HttpRequest, person: int) -> HttpResponse:
    actor = access.administrator(request.user)
    found = get_object_or_404(User, pk=person)
    form = PersonGroupsForm(form_data(request))
    if not form.is_valid():
        raise Invalid("One of these groups does not exist.")
    acts.put_into_groups(actor, found, list(form.cleaned_data["groups"]))
    return answer(request, {"saved": True}, reverse("person", args=[found.pk]), message="Saved.")


@require_POST
def password_link(request: HttpRequest, person: int) -> HttpResponse:
    """A link to hand over, shown in this answer alone."""
    actor = access.administrator(request.user)
    found = get_object_or_404(User, pk=person)
    url = request.build_absolute_uri(reverse("new-password", args=acts.password_link(actor, found)))
    if wants_json(request):
        return JsonResponse({"url": url}, status=201)
    return _person_page(request, found, url)


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, person: int) -> HttpResponse:
    """/people/<id>/remove/: the account goes for good; `keep` says which conversations stay, `heir` who gets them."""
    actor = access.administrator(request.user)
    found = get_object_or_404(User, pk=person)
    form = RemovalForm(found, posted(request), initial={"heir": actor})
    if form.is_valid():
        try:
            removal.remove(actor, found, form.cleaned_data["keep"], form.cleaned_data["heir"])
        except Invalid as refused:
            form.add_error(None, refused.message)
        else:
            return answer(request, {"removed": True}, reverse("people"), message=f"{found.name} was removed.")
    context = {
        "person": found,
        "form": form,
        "conversations": removal.owned_by(found).count(),
        "shared": removal.shared_of(found).count(),
    }
    return form_page(request, "people/remove.html", context)


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """/password/<uid>/<token>/: whoever has the link chooses the password, once."""
    with transaction.atomic():
        found = acts.person_of_link(uid, token)
    if found is None:
        return closed(request, "people/link_used_up.html")
    form = NewPasswordForm(found, posted(request))
    if form.is_valid():
        try:
            acts.choose_password(uid, token, form.cleaned_data["password1"])
        except Invalid:
            return closed(request, "people/link_used_up.html")
        page = reverse("account_login")
        return answer(request, {"location": page}, page, message="The new password was set. Sign in with it.")
    return form_page(request, "people/new_password.html", {"form": form, "person": found})


@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest) -> HttpResponse:
    """/people/groups/: the list; a POST makes one (`name`)."""
    actor = access.administrator(request.user)
    if request.method == "POST":
        made = grouping.create(actor, Fields(request).text("name"))
        return answer(request, {"group": made.pk}, reverse("group", args=[made.pk]), 201)
    rows = Group.objects.annotate(count=Count("user")).order_by("name")
    return render(request, "people/groups.html", {"groups": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, group: int) -> HttpResponse:
    """/people/groups/<id>/: its name and who is in it."""
    actor = access.administrator(request.user)
    found = get_object_or_404(Group, pk=group)
    initial = {"name": found.name, "people": found.user_set.all()}
    form = GroupForm(posted(request), initial=initial)
    if form.is_valid():
        grouping.change(actor, found, form.cleaned_data["name"], list(form.cleaned_data["people"]))
        return answer(request, {"saved": True}, reverse("groups"), message="Saved.")
    return form_page(request, "people/group.html", {"form": form, "group": found})


@require_POST
def group_remove(request: HttpRequest, group: int) -> HttpResponse:
    actor = access.administrator(request.user)
    grouping.remove(actor, get_object_or_404(Group, pk=group))
    return answer(request, {"removed": True}, reverse("groups"), message="The group was removed.")


def _person_page(request: HttpRequest, found: User, url: str = "") -> HttpResponse:
    form = PersonGroupsForm(initial={"groups": found.groups.all()})
    context = {
        "person": found,
        "form": form,
        "url": url,
        "has_second_step": acts.has_second_step(found),
        "is_linked": identities.is_linked(found),
    }
    return render(request, "people/person.html", context)

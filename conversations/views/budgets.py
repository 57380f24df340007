"""/budgets/: spending limits, and what is used of them now. For administrators."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import access
from ..actions import budgets as states
from ..actions import spending_limits
from ..forms.budget import BudgetForm
from ..models import Budget, User
from .money import dollars
from .requests import answer, form_page, posted

_FORM = ["GET", "HEAD", "POST"]


@require_safe
def budgets(request: HttpRequest) -> HttpResponse:
    """GET /budgets/: every limit with what counts for it today."""
    access.administrator(request.user)
    limits = [
        {"id": state.budget.pk, **shown(state)} for state in states.states(list(_budgets().order_by("pk")))
    ]
    return render(request, "budgets/budgets.html", {"limits": limits})


@require_http_methods(_FORM)
def new(request: HttpRequest) -> HttpResponse:
    return _edited(request, access.administrator(request.user), Budget())


@require_http_methods(_FORM)
def budget(request: HttpRequest, budget: int) -> HttpResponse:
    actor = access.administrator(request.user)
    return _edited(request, actor, get_object_or_404(_budgets(), pk=budget))


@require_POST
def remove(request: HttpRequest, budget: int) -> HttpResponse:
    actor = access.administrator(request.user)
    spending_limits.remove(actor, get_object_or_404(_budgets(), pk=budget))
    return answer(request, {"removed": True}, reverse("budgets"), message="The budget was removed.")


def shown(state: states.State) -> dict[str, Any]:
    """A limit as `usage/_limits.html` reads it."""
    return {
        "subject": state.budget.subject,
        "period": state.budget.get_period_display().lower(),
        "limit": dollars(state.budget.limit_microdollars),
        "used": dollars(state.used),
        "percent": state.percent,
        "filled": min(100, state.percent),
        "presumed": dollars(state.presumed) if state.presumed else "",
        "reserved": dollars(state.reserved) if state.reserved else "",
    }


def _budgets() -> QuerySet[Budget]:
    """With what `Budget.subject` reads."""
    return Budget.objects.select_related("group", "user", "language_model__provider")


def _edited(request: HttpRequest, actor: User, row: Budget) -> HttpResponse:
    subject = row.subject if row.pk else ""
    form = BudgetForm(posted(request), instance=row)
    if form.is_valid():
        spending_limits.save(actor, form.instance)
        return answer(request, {"budget": form.instance.pk}, reverse("budgets"), message="Saved.")
    context = {"form": form, "budget": row, "subject": subject}
    return form_page(request, "budgets/budget.html", context)

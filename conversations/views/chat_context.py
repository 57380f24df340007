"""What the chat templates read. Used by the pages and their fragments."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from .. import access
from ..access import Operation
from ..actions import budgets, refused_keys
from ..actions.choices import model_for
from ..actions.errors import Unavailable
from ..forms.settings import SettingsForm
from ..models import Conversation, Generation, LanguageModel, Message, Provider, UsageRecord, User, Workspace
from ..upstream.capabilities import lookup
from .money import dollars, tokens
from .sidebar import has_archived, is_unread, sidebar
from .transcript import page_of


def chat_context(user: User, found: Conversation | None) -> dict[str, Any]:
    """The context of a chat page; `found` is None for a new conversation."""
    usable = LanguageModel.objects.usable_by(user)
    chosen = _chosen(user, found)
    workspace = Workspace.objects.current()
    may_write = found is None or access.may(user, found, Operation.WRITE)
    messages, has_earlier = (
        page_of(found, found.current_leaf_id, user, may_write=may_write) if found is not None else ([], False)
    )
    return {
        "workspace": workspace,
        "sidebar": sidebar(user),
        "has_archived": lambda: has_archived(user),
        "conversation": _header(found, chosen) if found is not None else None,
        "messages": messages,
        "has_earlier": has_earlier,
        "may_write": may_write,
        "alt_text_limit": settings.ALT_TEXT_MAX_CHARACTERS,
        "may_own": found is not None and access.may(user, found, Operation.OWN),
        "settings_form": SettingsForm(
            found.parameters if found is not None else {}, str(chosen.pk) if chosen else "", usable
        ),
        "models": [_model(row, row == chosen) for row in usable],
        "demo": chosen is not None and chosen.provider.dialect == Provider.Dialect.DEMO,
        "starters": workspace.starters[:4],
        "client_id": uuid.uuid4(),
        "totals": totals_of(found) if found is not None else {},
        "budget_warnings": budgets.warnings_for(user, chosen),
        "refused_keys": refused_keys.told_to(user),
        "provider_problem": "" if chosen else "No model is set up yet. An administrator can add one.",
        "page": _page(user, found, chosen, usable, may_write),
    }


def warnings_of(user: User, found: Conversation) -> dict[str, Any]:
    """What `_warnings.html` reads: sentences about spending limits that the next message of this person here would
    count for, and for administrators providers whose key was refused.
    """
    return {
        "budget_warnings": budgets.warnings_for(user, _chosen(user, found)),
        "refused_keys": refused_keys.told_to(user),
    }


def _chosen(user: User, found: Conversation | None) -> LanguageModel | None:
    try:
        return model_for(user, found, "")
    except Unavailable:
        return None


def _header(found: Conversation, chosen: LanguageModel | None) -> dict[str, Any]:
    return {
        "id": found.pk,
        "title": found.title,
        "archived": found.archived_at is not None,
        "deleted": found.deleted_at is not None,
        "model_name": chosen.name if chosen is not None else "",
    }


def _page(
    user: User,
    found: Conversation | None,
    chosen: LanguageModel | None,
    usable: list[LanguageModel],
    may_write: bool,
) -> dict[str, Any]:
    """What the scripts need to know."""
    page: dict[str, Any] = {
        "conversation": str(found.pk) if found is not None else None,
        "socket_url": f"/ws/conversations/{found.pk}/" if found is not None else "/ws/",
        "running": [],
        "urls": {"home": reverse("home"), "create": reverse("conversations")},
        "user": {
            "id": user.pk,
            "name": user.name,
            "theme": user.theme,
            "staff": user.is_staff,
            # Milliseconds, as the browser counts.
            "utc_offset": (timezone.localtime().utcoffset() or timedelta()) // timedelta(milliseconds=1),
        },
        "model": chosen.pk if chosen is not None else None,
        "models": [_model(row, row == chosen) for row in usable],
        "may_write": may_write,
    }
    if found is not None:
        page["unread"] = is_unread(user, found)
        page["urls"] |= {
            name: reverse(f"conversation-{name}", args=[found.pk])
            for name in (
                "send",
                "history",
                "totals",
                "rename",
                "archive",
                "delete",
                "restore",
                "settings",
                "export",
            )
        }
        rows = Generation.objects.live().filter(conversation=found).values_list("pk", "message_id")
        page["running"] = [{"generation": str(g), "message": str(m), "seq": 0} for g, m in rows]
    return page


def _model(row: LanguageModel, selected: bool) -> dict[str, Any]:
    can = row.can
    return {
        "id": row.pk,
        "label": row.name,
        "selected": selected,
        "capabilities": {
            "thinking": list(can.thinking),
            "thinking_default": can.thinking_default,
            "efforts": list(can.efforts),
            "sampling": can.sampling,
            "prefill": can.prefill,
            "context": can.context,
            "max_output": can.max_output,
        },
    }


def totals_of(found: Conversation) -> dict[str, Any]:
    """Cost of all calls of the conversation, and how full the context was at the newest answer."""
    cost = UsageRecord.objects.filter(conversation=found).aggregate(sum=Sum("cost_microdollars"))["sum"]
    newest = (
        Message.objects.filter(conversation=found, role=Message.Role.ASSISTANT, usage__isnull=False)
        .select_related("generation__language_model")
        .only(
            "usage", "model", "generation__language_model__capabilities", "generation__language_model__listed"
        )
        .order_by("-created_at")
        .first()
    )
    figures = tokens(newest.usage) if newest else None
    limit = _context_of(newest) if newest else 0
    used = figures["total"] if figures else 0
    return {
        "cost": dollars(cost) if cost else "",
        "context_tokens": used,
        "context_limit": limit,
        "context_percent": min(100, round(100 * used / limit)) if limit else 0,
    }


def _context_of(message: Message) -> int:
    """Tokens that the model of this answer can read: as an administrator has entered it, or the provider has listed
    it, else as the table has it.
    """
    generation: Generation | None = getattr(message, "generation", None)
    language_model = generation.language_model if generation is not None else None
    said = language_model.listed | language_model.capabilities if language_model is not None else {}
    return said.get("context") or lookup(message.model).context

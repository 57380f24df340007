"""What the chat templates read. Used by the pages and their fragments."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from .. import access
from ..access import Operation
from ..actions import budgets, refused_keys
from ..actions.choices import model_for
from ..actions.errors import Unavailable
from ..forms.settings import SettingsForm
from ..models import Conversation, Generation, LanguageModel, Message, Provider, UsageRecord, User, Workspace
from ..upstream.capabilities import lookup
from ..upstream.dialects import DIALECTS
from ..upstream.model_table import ADAPTIVE, BETWEEN_TOOLS, DISABLED, ENABLED
from ..upstream.request_body import sampling_taken
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
        "models": [{"id": row.pk, "label": row.name, "selected": row == chosen} for row in usable],
        "demo": chosen is not None and chosen.provider.dialect == Provider.Dialect.DEMO,
        "starters": workspace.starters[:4],
        "client_id": uuid.uuid4(),
        "totals": totals_of(found) if found is not None else {},
        "budget_warnings": budgets.warnings_for(user, chosen),
        "refused_keys": refused_keys.told_to(user),
        "provider_problem": "" if chosen else "No model is set up yet. An administrator can add one.",
        "page": _page(user, found, usable, may_write),
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
    user: User, found: Conversation | None, usable: list[LanguageModel], may_write: bool
) -> dict[str, Any]:
    """What the scripts need to know (static/js/lib/page.js)."""
    return {
        "conversation": str(found.pk) if found is not None else None,
        "user": user.pk,
        # Milliseconds, as the browser counts.
        "now": int(time.time() * 1000),
        "utc_offset": (timezone.localtime().utcoffset() or timedelta()) // timedelta(milliseconds=1),
        "models": [_capabilities(row) for row in usable],
        "may_write": may_write,
        "unread": found is not None and is_unread(user, found),
    }


def _capabilities(row: LanguageModel) -> dict[str, Any]:
    """Which settings are shown for a model: the fields and the choices that make a difference to its requests."""
    can, provider = row.can, row.provider
    sampling = sampling_taken(can, DIALECTS[provider.dialect], provider.version)
    kinds = set(can.thinking)
    return {
        "id": row.pk,
        "fields": {
            **{name: name in sampling for name in ("temperature", "top_p", "top_k")},
            # A model that decides by itself how long it thinks is left to it.
            "budget_tokens": ENABLED in kinds and ADAPTIVE not in kinds,
        },
        "choices": {
            "effort": can.efforts,
            "thinking": ["on"] * bool(kinds & {ADAPTIVE, ENABLED})
            + ["off"] * bool(kinds & {DISABLED, BETWEEN_TOOLS}),
        },
        "max_output": can.max_output,
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

"""The settings of the workspace, as administrators set them. Called by its view."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from ..live import news
from ..models import User, Workspace
from . import audit
from .transaction import writing


def save(actor: User, values: dict[str, Any]) -> Workspace:
    """Name, default model, system prompt, starting points, links for people outside, how long is kept."""
    with writing():
        workspace, _ = Workspace.objects.update_or_create(pk=1, defaults=values)
        audit.record(
            actor, "workspace_changed", workspace, public_links=workspace.public_links,
            retention_days=workspace.retention_days,
        )  # fmt: skip
        transaction.on_commit(news.recheck_rights)
    return workspace

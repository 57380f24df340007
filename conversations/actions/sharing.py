"""Links to a read-only snapshot of a conversation: made, switched off and on, taken away. Called by the views."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from ..models import Conversation, Message, ShareLink, User, Workspace
from ..models.generation import LIVE
from ..models.invitation import hash_token
from . import audit, branches
from .errors import Invalid
from .transaction import hold, writing


def create_link(
    user: User, conversation: Conversation, leaf: Message | None, days: int | None, *, public: bool
) -> tuple[ShareLink, str]:
    """The link and its token, which is nowhere else. `leaf` (default: the current one) is the last message shown.

    An answer that is still running is not part of it. Raises Invalid, NotFound.
    """
    if days is not None and not 1 <= days <= settings.SHARE_LINK_MAX_DAYS:
        raise Invalid(f"A link lasts between 1 and {settings.SHARE_LINK_MAX_DAYS} days.")
    if public and not Workspace.objects.current().public_links:
        raise Invalid("Links for people without an account are switched off in this workspace.")
    token = ShareLink.new_token()
    now = timezone.now()
    with writing():
        # Held, so that of links that are made at once none goes over their number.
        locked = branches.lock(conversation)
        shown = _finished(leaf or locked.current_leaf)
        if shown is None:
            raise Invalid("There is nothing to share yet.")
        if (
            ShareLink.objects.filter(conversation=conversation).count()
            >= settings.SHARE_LINKS_PER_CONVERSATION
        ):
            raise Invalid("This conversation cannot have more links. Remove one first.")
        link = ShareLink.objects.create(
            conversation=conversation,
            leaf=shown,
            title=locked.title,
            token_hash=hash_token(token),
            public=public,
            created_by=user,
            expires_at=None if days is None else now + timedelta(days=days),
        )
        audit.record(user, "share_link_created", conversation, public=public, days=days)
    return link, token


def switch_link(user: User, link: ShareLink, on: bool) -> None:
    """Off: whoever has it gets "not found". On again: the same address works as before. Raises NotFound."""
    with writing():
        hold(link)
        link.revoked_at = None if on else timezone.now()
        # As it is already, from another page or by a second click: nothing to do, nothing to record.
        if ShareLink.objects.filter(pk=link.pk, revoked_at__isnull=not on).update(revoked_at=link.revoked_at):
            audit.record(user, "share_link_on" if on else "share_link_off", link.conversation)


def remove_link(user: User, link: ShareLink) -> None:
    with writing():
        audit.record(user, "share_link_removed", link.conversation)
        link.delete()


def _finished(leaf: Message | None) -> Message | None:
    """The message, or the nearest one above it that is complete."""
    if leaf is None:
        return None
    path = Message.objects.path(leaf.pk, 3, related=())
    return next((message for message in reversed(path) if message.status not in LIVE), None)

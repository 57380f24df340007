"""Cuts open pages whose person has signed out, was deactivated, or may no longer read, whatever the cause.

Rights are asked again in the database, on a ring (`news.recheck_rights`) and every few seconds without one.
"""

from __future__ import annotations

import asyncio
import logging
import uuid

from channels.db import database_sync_to_async

from chatsite.sessions import signed_in_users

from .. import access
from ..models import User
from .hub import hub

logger = logging.getLogger(__name__)

# Below the promised five seconds, with time for the check itself (promise P13).
SECONDS = 3.5


async def walk_for_ever() -> None:
    """Until cancelled; started with the engine."""
    while True:
        try:
            async with asyncio.timeout(SECONDS):
                await hub.rights_changed.wait()
        except TimeoutError:
            pass
        hub.rights_changed.clear()
        try:
            await _walk()
        except Exception:
            logger.exception("Rights could not be checked; trying again.")


async def _walk() -> None:
    pages = hub.of_people(None)
    if not pages:
        return
    keys = {page.session_key for page in pages}
    people = await database_sync_to_async(signed_in_users)(keys)
    wanted = {(page.session_key, page.conversation_id) for page in pages if page.conversation_id is not None}
    gone = await database_sync_to_async(_gone)(people, wanted)
    if gone:
        # Whose account goes loses both at once, and is signed out; that may have come between the two questions.
        people = await database_sync_to_async(signed_in_users)(keys)
    for page in pages:
        if page.session_key not in people:
            page.signed_out()
        elif (page.session_key, page.conversation_id) in gone:
            page.gone()


def _gone(people: dict[str, User], wanted: set[tuple[str, uuid.UUID]]) -> set[tuple[str, uuid.UUID]]:
    """The pairs of session and conversation whose person may no longer read it."""
    readable = access.readable({(people[key], id) for key, id in wanted if key in people})
    return {(key, id) for key, id in wanted if key in people and (people[key].pk, id) not in readable}

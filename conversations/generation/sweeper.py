"""Now and then what nobody needs any more leaves the storage, and what has come to its date ends. Started with the
server, like the reaper.
"""

from __future__ import annotations

import asyncio
import logging

from django.db import connections

from ..actions import attachments, people, providers, removal, retention

logger = logging.getLogger(__name__)

SECONDS = 900.0


async def sweep_for_ever() -> None:
    """Every quarter of an hour until cancelled, in a thread of its own: no answer waits for a slow disk."""
    while True:
        await asyncio.sleep(SECONDS)
        await asyncio.to_thread(sweep)


def sweep() -> None:
    """All that is old goes; what fails does not keep the rest from going."""
    for step in (
        providers.follow_dates,
        retention.expire,
        retention.erase_deleted,
        removal.finish_broken_off,
        people.clear_expired_sessions,
        attachments.sweep,
        connections.close_all,
    ):
        try:
            step()
        except Exception:
            logger.exception("Old data could not be cleaned up; trying again later.")

"""How many websocket handshakes without a signed-in person one address may try: each costs a look into the database.
Used by `sockets`.
"""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import Any

from allauth.core.internal.ratelimit import truncate_ip
from django.conf import settings

# So many addresses and sessions are remembered, those that were seen last.
REMEMBERED = 10_000


class Handshakes:
    """Counts refusals by address; a session that was good before is not held back by what its neighbours do."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._good: OrderedDict[str, None] = OrderedDict()

    def may_try(self, address: str, session_key: str) -> bool:
        return session_key in self._good or self._count(address) + 1 <= settings.HANDSHAKES_PER_ADDRESS

    def refused(self, address: str) -> None:
        _remember(self._refused, truncate_ip(address), (self._count(address) + 1, monotonic()))

    def accepted(self, session_key: str) -> None:
        _remember(self._good, session_key, None)

    def _count(self, address: str) -> float:
        """The refusals that still count: as many are forgotten in a second as are allowed in it."""
        count, since = self._refused.get(truncate_ip(address), (0.0, 0.0))
        return max(0.0, count - (monotonic() - since) * settings.HANDSHAKES_PER_ADDRESS)


def _remember(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)

"""The gate in front of every websocket: how many came, origin, then session. Refuses with 403 before the handshake
is accepted.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.http import parse_cookie

from .handler import Receive, Scope, Send
from .handshakes import Handshakes
from .sessions import signed_in_user
from .threads import run_with_database

logger = logging.getLogger("chatsite.sockets")


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a handshake with 403. Also the application of addresses that do not exist."""
    await receive()
    await send({"type": "websocket.close"})


class SocketGate:
    """Lets pages of this site with a signed-in person through; `user` and `session_key` go into the scope."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._handshakes = Handshakes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = str((scope.get("client") or ("unknown",))[0])
        cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin1")
        session_key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
        # Too many are refused without a look into the database and without a line in the log.
        if not self._handshakes.may_try(address, session_key):
            return await refuse(scope, receive, send)
        origins = [value.decode("latin1") for name, value in scope["headers"] if name == b"origin"]
        # Full origins: another port or scheme of this host is another site (promises M5). No origin is no
        # page of ours.
        if len(origins) != 1 or origins[0] not in settings.WEBSOCKET_ORIGINS:
            logger.warning("Websocket refused: origin %.200r is not this site.", origins)
            self._handshakes.refused(address)
            return await refuse(scope, receive, send)
        user = await run_with_database(signed_in_user, session_key) if session_key else None
        if user is None:
            self._handshakes.refused(address)
            return await refuse(scope, receive, send)
        self._handshakes.accepted(session_key)
        # The scope is this connection's own, and a copy would be kept as long as it is open.
        scope.update(user=user, session_key=session_key)
        await self._application(scope, receive, send)

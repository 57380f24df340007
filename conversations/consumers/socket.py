"""What both websockets share: limits on what comes in, delivery of what goes out, closing when rights end."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from chatsite import metrics

from ..generation import supervisor
from ..live.delivery import Delivery
from ..live.hub import Frame, hub
from ..live.log import LiveLog
from ..models import User
from .commands import Ack, BadCommand, Command, parse
from .rate import TokenBucket

SIGNED_OUT, GONE, TOO_SLOW = 4401, 4404, 4408
UNSUPPORTED, POLICY, TOO_BIG, RESTARTING = 1003, 1008, 1009, 1012
# So many frames, and no more, may wait for their acks: a full window of the smallest.
_SMALLEST_FRAME = 128


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A `Page` of the hub: a signed-in person's socket, with what it may send limited and what it gets delivered.

    A subclass says in `opened` what comes first, and in `obey` which commands it knows.
    """

    # The hub wakes sockets directly; an in-memory layer would walk all channels on every send (reference/performance).
    channel_layer_alias = "unused"
    conversation_id: uuid.UUID | None = None
    session_key = ""
    _counted = False
    # How many frames have left that were not acknowledged one by one.
    _acks_due = 0

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, but without a thread that looks after database connections at every frame: what asks
        the database here looks after them itself.
        """
        await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message["code"])
        raise StopConsumer

    async def connect(self) -> None:
        user = self.scope.get("user")
        if not isinstance(user, User) or not user.is_active:
            await self.close(SIGNED_OUT)
            return
        supervisor.attach()
        self.user = user
        self.user_id = user.pk
        self.session_key = self.scope.get("session_key", "")
        self._bucket = TokenBucket(settings.SOCKET_RATE, settings.SOCKET_BURST)
        self._delivery = Delivery(self._send_text, self._too_slow)
        self._closing = False
        await self.accept()
        if hub.sockets_of(user.pk) >= settings.SOCKETS_PER_USER:
            await self.close(POLICY)
            return
        # Joined before anything is read, so that nothing falls between the first frame and the news.
        hub.join(self)
        metrics.sockets.inc()
        self._counted = True
        await self.opened()

    async def opened(self) -> None:
        """The socket is accepted and told of news; nothing is sent before the delivery is opened here."""
        self._delivery.open()

    async def disconnect(self, code: int) -> None:
        if self._counted:
            self._counted = False
            metrics.sockets.dec()
        if hasattr(self, "_delivery"):
            hub.leave(self)
            self._delivery.close()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data is None:
            await self.end(UNSUPPORTED)
        elif (
            len(text_data) > settings.SOCKET_MESSAGE_BYTES
            or len(text_data.encode()) > settings.SOCKET_MESSAGE_BYTES
        ):
            await self.end(TOO_BIG)
        else:
            await self._receive_command(text_data)

    async def _receive_command(self, text: str) -> None:
        """What goes beyond the rate is neither obeyed nor answered; to read it costs little."""
        command, problem = None, ""
        try:
            command = parse(text)
        except BadCommand as error:
            problem = str(error)
        if isinstance(command, Ack) and self._acks_due > 0:
            # Whoever acknowledges every frame of a fast answer sends more than the rate, as the protocol has it.
            self._acks_due -= 1
        elif not self._bucket.take():
            await self.end(POLICY)
            return
        if command is None:
            self.refuse("bad_request", f"This frame was not understood: {problem}")
        else:
            await self.obey(command)

    async def obey(self, command: Command) -> None:
        self.refuse("bad_request", "There is no conversation open here.")

    def refuse(self, type: str, message: str) -> None:
        self._delivery.tell({"type": "error", "error": {"type": type, "message": message}})

    async def end(self, code: int) -> None:
        """Close from this side, once."""
        if not self._closing:
            self._closing = True
            hub.leave(self)
            self._delivery.close()
            await self.close(code)

    def tell(self, frame: Frame) -> None:
        self._delivery.tell(frame)

    def follow(self, log: LiveLog) -> None:
        self._delivery.follow(log)

    def signed_out(self) -> None:
        self.end_soon(SIGNED_OUT)

    def gone(self) -> None:
        self.end_soon(GONE)

    def come_again(self) -> None:
        self.end_soon(RESTARTING)

    def end_soon(self, code: int) -> None:
        """As `end`, from code that cannot wait."""
        task = asyncio.get_running_loop().create_task(self.end(code))
        # The reference keeps the task alive until it is done.
        self._ending = task

    def _too_slow(self) -> None:
        self.end_soon(TOO_SLOW)

    async def _send_text(self, text: str) -> None:
        self._acks_due = min(self._acks_due + 1, settings.SOCKET_WINDOW_BYTES // _SMALLEST_FRAME)
        await self.base_send({"type": "websocket.send", "text": text})


class WorkspaceSocket(Socket):
    """`/ws/`: news of every conversation that the person may see."""

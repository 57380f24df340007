"""`/ws/conversations/<uuid>/`: one open conversation, its running answers and its news."""

from __future__ import annotations

import uuid
from typing import Any

from channels.db import database_sync_to_async

from .. import access
from ..access import NotFound, Operation
from ..actions import journal
from ..actions.answers import request_stop
from ..generation import supervisor
from ..live import mirrors, news
from ..live.hub import hub
from ..live.presence import presence
from ..models import Conversation, Generation
from ..models.colours import Colours
from .commands import Ack, Command, Resume
from .socket import GONE, Socket


class ConversationSocket(Socket):
    """Follows what is answered in this conversation, and counts as presence in it."""

    async def connect(self) -> None:
        self.conversation_id = self.scope["url_route"]["kwargs"]["id"]
        await super().connect()

    async def opened(self) -> None:
        try:
            found, running, colour = await database_sync_to_async(self._state)()
        except NotFound:
            await self.end(GONE)
            return
        self._delivery.first({"type": "conversation", "id": self.conversation_id, "running": running})
        if self.scope["query_string"] == b"catch_up":
            # What happened after the page was made and before this socket opened is in neither of them.
            self._delivery.tell(news.update_of(found, leaf=str(found.current_leaf_id)))
        if not self._closing:
            presence.enter(found.pk, self, {**self.user.badge, "colour": colour})

    async def disconnect(self, code: int) -> None:
        self._leave()
        await super().disconnect(code)

    async def end(self, code: int) -> None:
        self._leave()
        await super().end(code)

    def _leave(self) -> None:
        if self.conversation_id is not None:
            presence.leave(self.conversation_id, self)

    def _state(self) -> tuple[Conversation, list[dict[str, Any]], int]:
        """The conversation, its running answers, and the person's colour in it. Raises NotFound."""
        assert self.conversation_id is not None
        conversation = access.conversation(self.user, self.conversation_id, Operation.READ)
        live = Generation.objects.live().filter(conversation_id=self.conversation_id)
        rows = list(live.values_list("pk", "message_id"))
        # Of those of other processes the journal knows how far they are.
        elsewhere = journal.ends([generation for generation, _ in rows if generation not in hub.logs])
        found = []
        for generation, message in rows:
            log = hub.logs.get(generation)
            seq = log.seq if log is not None else elsewhere.get(generation, 0)
            found.append({"generation": generation, "message": message, "seq": seq})
        return conversation, found, Colours(conversation).of(self.user.pk)

    async def obey(self, command: Command) -> None:
        if isinstance(command, Ack):
            self._delivery.ack(command.generation, command.seq)
        elif isinstance(command, Resume):
            await self._resume(command)
        else:
            await self._stop(command.generation)

    async def _resume(self, command: Resume) -> None:
        log = await mirrors.log_for(command.generation)
        # Another conversation's answer is as unknown here as one that never was.
        if log is None or log.conversation != self.conversation_id:
            self.refuse("not_found", "This answer does not exist here.")
            return
        self._delivery.follow(log, command.after)

    async def _stop(self, id: uuid.UUID) -> None:
        try:
            generation = await database_sync_to_async(access.generation)(self.user, id, Operation.WRITE)
        except NotFound:
            self.refuse("not_found", "This answer does not exist here.")
            return
        supervisor.stop(id)
        await database_sync_to_async(request_stop)(generation)

"""`/ws/conversations/<uuid>/`: one open conversation, its running answers and its news."""

from __future__ import annotations

import uuid
from typing import Any

from channels.db import database_sync_to_async
from django.db.models import Max

from .. import access
from ..access import NotFound, Operation
from ..actions.answers import request_stop
from ..generation import supervisor
from ..live import mirrors
from ..live.hub import hub
from ..models import Generation
from .commands import Ack, Command, Resume
from .socket import GONE, Socket


class ConversationSocket(Socket):
    async def connect(self) -> None:
        self.conversation_id = self.scope["url_route"]["kwargs"]["id"]
        await super().connect()

    async def opened(self) -> None:
        try:
            running = await database_sync_to_async(self._running)()
        except NotFound:
            await self.end(GONE)
            return
        self._delivery.first({"type": "conversation", "id": self.conversation_id, "running": running})

    def _running(self) -> list[dict[str, Any]]:
        assert self.conversation_id is not None
        access.conversation(self.user, self.conversation_id, Operation.READ)
        rows = Generation.objects.live().filter(conversation_id=self.conversation_id)
        found = []
        for generation, message, journalled in rows.values_list("pk", "message_id").annotate(
            seq=Max("events__seq")
        ):
            log = hub.logs.get(generation)
            seq = log.seq if log is not None else journalled or 0
            found.append({"generation": generation, "message": message, "seq": seq})
        return found

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

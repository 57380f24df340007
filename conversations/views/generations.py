"""Stopping an answer, and following it where websockets fail."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from chatsite.errors import json_error

from .. import access
from ..access import Operation
from ..actions.answers import request_stop
from ..generation import supervisor
from ..live import mirrors
from ..live.delivery import Delivery
from ..live.frames import Body, frame
from ..live.hub import Frame, hub
from ..live.log import LiveLog
from ..models import User
from .requests import person, whole_number

COMMENT_SECONDS = 15.0


@require_POST
def stop(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """POST /generations/<uuid>/stop/: 202, also for an answer that has ended."""
    generation = access.generation(person(request), id, Operation.WRITE)
    supervisor.stop(generation.pk)
    request_stop(generation)
    return JsonResponse({}, status=202)


@require_safe
def events(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:
    """GET /generations/<uuid>/events/?after=N: the websocket's frames as Server-Sent Events."""
    user = person(request)
    generation = access.generation(user, id, Operation.READ)
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "0")
    number = whole_number(after, 0, digits=15)
    stream = _Stream(
        user, request.session.session_key or "", generation.conversation_id, generation.pk, number
    )
    if not async_to_sync(stream.join)():
        return json_error(
            429, "too_many_streams", "You are following too many answers at once. Close some pages."
        )
    response = StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-cache, no-store"
    response["X-Accel-Buffering"] = "no"
    return response


class _Stream:
    """One reader of one answer. A page for the hub as far as rights and numbers are concerned.

    What the reader has not taken yet stays in the log that all share: a cursor is kept here, and the frame on its way.
    """

    def __init__(
        self, user: User, session_key: str, conversation: uuid.UUID, generation: uuid.UUID, after: int
    ) -> None:
        self.user_id = user.pk
        self.session_key = session_key
        self.conversation_id: uuid.UUID | None = conversation
        self._generation = generation
        self._after = after
        self._delivery: Delivery | None = None
        # From the writer's hand to the reader's; the transport holds the reader back, and so the writer.
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(1)

    async def join(self) -> bool:
        """Whether this person may have one more page open; then this one counts until `close`."""
        if hub.sockets_of(self.user_id) >= settings.SOCKETS_PER_USER:
            return False
        hub.join(self)
        return True

    def close(self) -> None:
        """Called by the response at its end, in its thread, also when nothing was read of it."""
        hub.call(hub.leave, self)

    async def __aiter__(self) -> AsyncGenerator[str]:
        supervisor.attach()
        log = await mirrors.log_for(self._generation)
        # Who has all of it, its end included, is told so by the end of the stream.
        if log is None or (log.closed and not log.rebuilt and self._after == log.seq):
            return
        delivery = self._delivery = Delivery(self._queue.put, None, as_server_sent_event)
        clock = asyncio.get_running_loop().time
        # The first one brings the head, which leaves with the beginning of the body: a slow first word would keep it.
        comment_at = clock()
        try:
            delivery.follow(log, self._after)
            delivery.open()
            while True:
                # A frame that is there already is taken without a wait, so no timeout would end it.
                if clock() >= comment_at:
                    comment_at += COMMENT_SECONDS
                    yield ": still here\n\n"
                try:
                    async with asyncio.timeout_at(comment_at):
                        text = await self._queue.get()
                except TimeoutError:
                    continue
                if text is None:
                    return
                yield text
                if text.startswith(_LAST, text.find("event: ")):
                    return
        finally:
            delivery.close()

    def tell(self, frame: Frame) -> None:
        """News goes to sockets alone."""

    def follow(self, log: LiveLog) -> None:
        """Of this stream's answer: it begins only now, and what was followed so far was its place in the queue."""
        if log.generation == self._generation and self._delivery is not None:
            self._delivery.follow(log, self._after)

    def come_again(self) -> None:
        """One answer is followed here, and its log is read without rings as well."""

    def signed_out(self) -> None:
        self._end()

    def gone(self) -> None:
        self._end()

    def _end(self) -> None:
        """Cut at once: what is queued for a reader without rights is dropped."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


_LAST = "event: message_stop\n"
# Not line ends of the format, but of many a program that reads it line by line.
_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}


def as_server_sent_event(log: LiveLog, body: Body, seq: int | None) -> str:
    """`id:` = seq (frames with a number of their own alone), `event:` = type, `data:` = the frame."""
    number = f"id: {seq}\n" if seq is not None else ""
    return f"{number}event: {body['type']}\ndata: {frame(log, body, seq).translate(_LINE_ENDS)}\n\n"

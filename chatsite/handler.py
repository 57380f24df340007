"""Django's ASGI handler with one hop per request: middleware, view and database run in one of a few lasting
threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from os import SEEK_END
from typing import Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from .content_type import PageRequest
from .thread_pools import ThreadPool, Worker
from .threads import request_threads, upload_threads

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

# Where files are sent to: the one request whose body may be large.
UPLOADS = "/attachments/"


def _threads_for(scope: Scope) -> ThreadPool:
    upload = scope["method"] == "POST" and scope["path"] == UPLOADS
    return upload_threads() if upload else request_threads()


class PageHandler(ASGIHandler):
    """Answers one HTTP request. Views may be async; they then run in the server's loop, called from the
    thread.
    """

    request_class = PageRequest

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        # A synchronous chain: an asynchronous one changes threads twice for every middleware.
        self.load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            request, refusal = self.create_request(scope, body)
            if request is None:
                assert refusal is not None
                await self.send_response(refusal, send)
                return
            if "CONTENT_LENGTH" not in request.META:
                # It came in chunks: for Django a form of no length is an empty one.
                request.META["CONTENT_LENGTH"] = str(body.seek(0, SEEK_END))
                body.seek(0)
            response, worker = await _threads_for(scope).run(self._respond, scope, request)
            if not response.streaming:
                await self.send_response(response, send)
                return
            try:
                if scope["method"] == "HEAD":
                    await _send_head(response, send, more_body=False)
                    return
                assert isinstance(response, StreamingHttpResponse)
                if response.is_async:
                    await self._stream(response, receive, send)
                else:
                    await self._send_pieces(response, send, worker)
            finally:
                await worker.run(response.close)

    def _respond(self, scope: Scope, request: ASGIRequest) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        response: HttpResponseBase = self.get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            # The content is in memory, so the request can end here, in the thread that holds the connection.
            response.close()
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        """Relays an asynchronous stream until it ends or the client is gone."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_pieces(self, response: StreamingHttpResponse, send: Send, worker: Worker) -> None:
        """Reads a file piece by piece in the thread; Django would read the whole of it into memory first."""
        await _send_head(response, send, more_body=True)
        pieces = iter(response)
        while (piece := await worker.run(next, pieces, None)) is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_head(response: HttpResponseBase, send: Send, *, more_body: bool) -> None:
    """Status, headers and cookies; all of the answer unless `more_body` follows."""
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    headers += [
        (b"Set-Cookie", cookie.output(header="").strip().encode("ascii"))
        for cookie in response.cookies.values()
    ]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    if not more_body:
        await send({"type": "http.response.body", "body": b"", "more_body": False})

"""All people send in the same instant; what each of them sees, and what it costs the server."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from .figures import Arrival, Figures, figures
from .server import Page, Server
from .wire import WebSocket, open_socket, request

# A run that takes longer has failed.
_RUN_SECONDS = 90.0
# What belongs to an answer but comes after its end: the title, the last commit.
_AFTER_SECONDS = 1.0
_OPEN_AT_ONCE = 10

Send = Callable[[], Awaitable[WebSocket]]


class _Delta(msgspec.Struct):
    text: str = ""


class _Frame(msgspec.Struct):
    type: str
    generation: str = ""
    seq: int = 0
    status: str = ""
    delta: _Delta = msgspec.field(default_factory=_Delta)


_frame = msgspec.json.Decoder(_Frame).decode


class _Chat:
    def __init__(self) -> None:
        self.answered = 0.0
        self.generation = ""
        self.conversation = ""
        self.arrival = Arrival(0.0)


async def send_in_open_pages(server: Server, pages: list[Page], deltas: int) -> Figures:
    """Sockets are open, then everybody sends the next message: the page as a person has it before them."""
    sockets = await open_sockets(server, pages)

    async def send(page: Page, socket: WebSocket, chat: _Chat) -> WebSocket:
        answer = await _post(server, f"/conversations/{page.conversation}/messages/", page, chat)
        chat.generation, chat.conversation = answer["generation"], page.conversation
        return socket

    found = await _storm(server, deltas, pages, lambda n, chat: send(pages[n], sockets[n], chat))
    for socket in sockets:
        socket.close()
    return found


async def start_conversations(server: Server, pages: list[Page], deltas: int) -> Figures:
    """Everybody starts a new conversation, then opens its socket and resumes from the beginning."""

    async def send(page: Page, chat: _Chat) -> WebSocket:
        answer = await _post(server, "/conversations/", page, chat)
        chat.generation, chat.conversation = answer["generation"], answer["conversation"]
        socket = await open_socket(server.port, f"/ws/conversations/{chat.conversation}/", page.session)
        socket.send({"type": "resume", "generation": chat.generation, "after": 0})
        return socket

    return await _storm(server, deltas, pages, lambda n, chat: send(pages[n], chat))


async def open_sockets(server: Server, pages: list[Page]) -> list[WebSocket]:
    """Every page's socket, its first frame received."""
    room = asyncio.Semaphore(_OPEN_AT_ONCE)

    async def one(page: Page) -> WebSocket:
        async with room:
            return await open_socket(server.port, f"/ws/conversations/{page.conversation}/", page.session)

    return await asyncio.gather(*(one(page) for page in pages))


async def _storm(
    server: Server, deltas: int, pages: list[Page], send: Callable[[int, _Chat], Awaitable[WebSocket]]
) -> Figures:
    server.settle()
    before = server.cpu()
    chats = [_Chat() for _ in pages]
    await asyncio.gather(*(_one(send, number, chat) for number, chat in enumerate(chats)))
    await asyncio.sleep(_AFTER_SECONDS)
    own, other = (after - then for after, then in zip(server.cpu(), before, strict=True))
    found = figures([chat.arrival for chat in chats], deltas, own + other, other)
    found.answered = sorted((chat.answered - chat.arrival.began) * 1000 for chat in chats if chat.answered)
    found.peak = server.peak()
    for page, chat in zip(pages, chats, strict=True):
        failure = await _difference_from_stored(server, page, chat)
        if failure:
            found.failures.append(failure)
    return found


async def _one(send: Callable[[int, _Chat], Awaitable[WebSocket]], number: int, chat: _Chat) -> None:
    chat.arrival.began = time.time()
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            socket = await send(number, chat)
            await socket.stopped
    except (OSError, TimeoutError, ValueError) as error:
        chat.arrival.failure = f"{type(error).__name__}: {error}"
        return
    _read(socket, chat)


def _read(socket: WebSocket, chat: _Chat) -> None:
    """Applies the frames as the contract asks of a client."""
    last = 0
    for at, payload in socket.frames:
        frame = _frame(payload)
        if frame.generation != chat.generation:
            continue
        if frame.type == "message_start":
            chat.arrival.pieces.clear()
        elif not frame.seq or frame.seq <= last or frame.type == "block_html":
            continue
        elif frame.type == "content_block_delta":
            chat.arrival.pieces.append((at, frame.delta.text))
        elif frame.type == "message_stop" and frame.status != "completed":
            chat.arrival.failure = f"the answer ended as {frame.status}"
        last = frame.seq


async def _post(server: Server, path: str, page: Page, chat: _Chat) -> dict[str, Any]:
    fields = {"text": "What is the time?", "client_id": str(uuid.uuid4())}
    status, body = await request(server.port, "POST", path, page.session, fields)
    if status != 201:
        raise ValueError(f"the send was answered {status}: {body}")
    chat.answered = time.time()
    found: dict[str, Any] = body
    return found


async def _difference_from_stored(server: Server, page: Page, chat: _Chat) -> str:
    """What is on disk must be what was shown."""
    if not chat.conversation or chat.arrival.failure:
        return ""
    status, body = await request(
        server.port, "GET", f"/conversations/{chat.conversation}/messages/", page.session
    )
    if status != 200:
        return f"the stored answer cannot be read: {status}"
    last = body["messages"][-1]
    stored = "".join(block.get("text", "") for block in last["content"])
    return (
        ""
        if stored == chat.arrival.text
        else f"stored as {last['status']}: {len(stored)} characters, not as shown"
    )

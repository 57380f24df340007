"""The transport's connections: none is left open behind a request that has ended."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from conversations.upstream.transport import DirectTransport
from tests import patience

CONNECT_SECONDS = 0.05


class _BusyLoop(asyncio.SelectorEventLoop):
    """Is busy with something else from the moment a connection is made until its time to connect is over."""

    async def create_connection(self, *arguments: Any, **named: Any) -> Any:
        made = await super().create_connection(*arguments, **named)
        time.sleep(2 * CONNECT_SECONDS)  # noqa: ASYNC251 - what is tested is a loop that stands still
        return made


async def _connect_too_late() -> None:
    closed = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        timeout = {"connect": CONNECT_SECONDS, "read": 1.0}
        request = httpx.Request("POST", f"http://{host}:{port}/", extensions={"timeout": timeout})
        with pytest.raises(httpx.ConnectTimeout):
            await DirectTransport().handle_async_request(request)
        async with asyncio.timeout(patience.SECONDS):
            await closed.wait()


def test_a_connection_that_comes_about_as_its_time_is_over_is_closed() -> None:
    with asyncio.Runner(loop_factory=_BusyLoop) as runner:
        runner.run(_connect_too_late())

"""A server of ours with an application that sends without end, for tests of slow clients: `python -m … PORT`."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"

from chatsite import server  # isort: skip - Daphne's reactor comes first

import django


async def application(scope: Any, receive: Any, send: Any) -> None:
    """200 MB, as fast as the client takes them; counts what was sent on stdout. An upload is taken without a look.
    Under /events/ the same is an event stream.
    """
    await receive()
    if scope["path"] == "/attachments/":
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    headers = [(b"Content-Type", b"text/event-stream")] if scope["path"] == "/events/" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(3200):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        if number % 100 == 0:
            print("sent", number, flush=True)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Idle:
    """An engine without work."""

    async def boot(self) -> None:
        pass

    async def drain(self, timeout: float) -> None:
        pass


def main() -> None:
    django.setup()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))

    server.Server(application, Idle(), listener, lambda: print("ready", flush=True)).run()


if __name__ == "__main__":
    main()

"""Daphne in this process: limits on what comes in, answers finished before it ends. Used by `start`."""

# Daphne installs its reactor on import, so it comes before everything that might import another one.
from daphne.server import Server as DaphneServer  # isort: skip

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Protocol

from django.conf import settings
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import ILogObserver, globalLogBeginner
from zope.interface import implementer

from .channel import reactor
from .lifecycle import stopping
from .memory import give_back
from .one_core import OneCore
from .requests import Request, RequestFactory
from .websocket import Socket, SocketFactory

logger = logging.getLogger("chatsite.server")
RESTARTING = 1012
# Between the last close frame and the end of the process.
FAREWELL_SECONDS = 1.0
# How long a busy event loop may keep the interpreter from a thread that wants it. With Python's 5 ms a database call,
# which asks for it a dozen times, takes a tenth of a second whenever many answers run.
SWITCH_SECONDS = 0.0005


class Engine(Protocol):
    """What works behind the pages (`conversations.generation.supervisor`)."""

    async def boot(self) -> None:
        """Takes over what a crashed server left behind."""

    async def drain(self, timeout: float) -> None:
        """Finishes what runs, in this many seconds."""


class Server(DaphneServer):  # type: ignore[misc]
    """Serves one application on one bound socket until a signal comes."""

    def __init__(
        self,
        application: Any,
        engine: Engine,
        listener: socket.socket,
        on_listening: Callable[[], None],
        *,
        deaf_seconds: float = 0,
        one_core: bool = False,
    ) -> None:
        """`deaf_seconds`: so long after a signal the next one counts as the same. A worker among several hears the
        terminal and its parent. `one_core`: keep all threads together, as suits a server that is one process.
        """
        super().__init__(application, endpoints=["ours"], signal_handlers=False, verbosity=0, server_name="")
        self._engine = engine
        self._listener = listener
        self._on_listening = on_listening
        self._deaf_seconds = deaf_seconds
        self._one_core = one_core
        self._ending_since = 0.0
        self._ports: list[Any] = []
        self._ending: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Blocks until the server has stopped. Raises what made its start fail."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = RequestFactory(self)
        self.ws_factory = SocketFactory(self, server="")
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,  # our own gate answers, with 403
            openHandshakeTimeout=self.websocket_handshake_timeout,
            maxMessagePayloadSize=settings.SOCKET_MESSAGE_BYTES,
            maxFramePayloadSize=settings.SOCKET_MESSAGE_BYTES,
            failByDrop=False,  # say 1009 before hanging up
        )
        globalLogBeginner.beginLoggingTo([_no_log], redirectStandardIO=False, discardBuffer=True)
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        reactor.callWhenRunning(lambda: loop.create_task(self._begin()))
        reactor.run(installSignalHandlers=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            # All is written: the process is about to end well, whatever it is told now.
            signal.signal(number, signal.SIG_IGN)
        if self._failure is not None:
            raise self._failure

    async def _begin(self) -> None:
        """The engine first, then the pages."""
        try:
            await self._engine.boot()
            self._listener.listen(512)
            self._listener.setblocking(False)
            self._ports.append(
                reactor.adoptStreamPort(self._listener.fileno(), self._listener.family, self.http_factory)
            )
            # The reactor has its own copy: closing that one alone must free the port.
            self._listener.close()
            self._on_listening()
            give_back()
            if self._one_core:
                OneCore().stay()
        except BaseException as error:
            self._failure = error
            reactor.stop()

    def end(self) -> None:
        """First signal: finish what runs. Second: stop at once."""
        loop = asyncio.get_running_loop()
        if self._ending is None:
            self._ending_since = loop.time()
            stopping.set()
            self._ending = loop.create_task(self._drain())
        elif loop.time() - self._ending_since >= self._deaf_seconds:
            self._stop_reactor()

    async def _drain(self) -> None:
        try:
            for port in self._ports:
                await maybeDeferred(port.stopListening).asFuture(asyncio.get_running_loop())
            async with asyncio.timeout(settings.DRAIN_SECONDS + 6):
                await self._engine.drain(settings.DRAIN_SECONDS)
        except Exception:
            logger.exception("Stopping did not go as planned; what was written to the database stays.")
        try:
            await self._say_goodbye()
        finally:
            self._stop_reactor()

    async def _say_goodbye(self) -> None:
        for protocol in list(self.connections):
            if isinstance(protocol, Socket):
                protocol.serverClose(code=RESTARTING)
        deadline = asyncio.get_running_loop().time() + FAREWELL_SECONDS
        # Daphne tells nobody when the last connection is gone.
        while self._open_connections() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _open_connections(self) -> bool:
        return any("disconnected" not in details for details in self.connections.values())

    def _stop_reactor(self) -> None:
        # One that is stopping still counts as running, and must not be told again.
        with contextlib.suppress(ReactorNotRunning):
            reactor.stop()

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Passes a message of the application on; a stream waits here for a client that reads slowly."""
        await super().handle_reply(protocol, message)
        if isinstance(protocol, Request | Socket):
            await protocol.drained()

    def kill_all_applications(self) -> Any:
        # A connection that has not sent a whole request yet has no application; Daphne would stumble over it.
        self.connections = {
            key: value for key, value in self.connections.items() if "application_instance" in value
        }
        return super().kill_all_applications()


@implementer(ILogObserver)  # type: ignore[untyped-decorator]
def _no_log(event: Any) -> None:
    """Twisted's own log holds addresses of people and nothing that an operator needs."""

"""A TCP relay with the seven faults of the chaos tools, between browser and site or between site and provider."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from types import TracebackType

FAULTS = ("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data")


class Chaos:
    """An async context manager; `port` leads to `target`, both of 127.0.0.1. Without a fault it only relays.

    `silence` is how long a "timeout" (a black hole) lasts before the connection is closed.
    """

    def __init__(self, target: int, silence: float = 0.8) -> None:
        self.history: list[str] = []
        self._target = target
        self._silence = silence
        self._connections: set[_Relay] = set()

    async def __aenter__(self) -> Chaos:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=256)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.end()
        await asyncio.gather(
            *(connection.over for connection in list(self._connections)), return_exceptions=True
        )

    async def suffer(self, fault: str, chance: random.Random) -> None:
        """Lets every open connection have this fault for a moment; those that it kills come back healthy."""
        self.history.append(fault)
        for connection in list(self._connections):
            connection.fault = fault
            connection.quota = chance.randint(1, 4000)
        match fault:
            case "reset_peer":
                for connection in list(self._connections):
                    connection.reset()
            case "slow_close":
                await asyncio.sleep(chance.uniform(0.05, 0.2))
                for connection in list(self._connections):
                    connection.end()
            case "timeout":
                await asyncio.sleep(self._silence)
                for connection in list(self._connections):
                    if connection.fault == fault:
                        connection.end()
            case _:
                await asyncio.sleep(chance.uniform(0.1, 0.4))
                for connection in list(self._connections):
                    if connection.fault != "limit_data":
                        connection.heal()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        relay = _Relay(writer, back)
        self._connections.add(relay)
        try:
            await asyncio.gather(relay.carry(reader, back), relay.carry(there, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(relay)
            relay.end()
            relay.over.set_result(None)


class _Relay:
    """One connection, both ways."""

    def __init__(self, one: asyncio.StreamWriter, other: asyncio.StreamWriter) -> None:
        self.fault = ""
        self.quota = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writers = (one, other)
        self._healed = asyncio.Event()

    def heal(self) -> None:
        self.fault = ""
        self._healed.set()

    def end(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def reset(self) -> None:
        for writer in self._writers:
            plain = writer.get_extra_info("socket")
            if plain is not None:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while (data := await source.read(65536)) and not sink.is_closing():
            await self._pass(data, sink)
            await sink.drain()
        if self.fault == "slow_close":
            await asyncio.sleep(0.3)
        self.end()

    async def _pass(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        match self.fault:
            case "latency":
                await asyncio.sleep(0.15)
            case "bandwidth":
                while data and self.fault == "bandwidth" and not sink.is_closing():
                    sink.write(data[:512])
                    data = data[512:]
                    await asyncio.sleep(0.01)
            case "slicer":
                while data and self.fault == "slicer" and not sink.is_closing():
                    sink.write(data[:1])
                    data = data[1:]
                    await asyncio.sleep(0)
            case "timeout":
                # A black hole: what comes is lost with the connection.
                return
            case "limit_data":
                data = data[: self.quota]
                self.quota -= len(data)
                sink.write(data)
                if not self.quota:
                    self.end()
                return
        if data and not sink.is_closing():
            sink.write(data)

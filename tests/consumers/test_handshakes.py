"""Handshakes of websockets without a signed-in person are counted by address; people are not."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from chatsite.sockets import SocketGate
from tests.world import Person, member

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 3


class Door:
    """The gate with somebody behind it who lets everybody in."""

    def __init__(self) -> None:
        self._gate = SocketGate(self._let_in)

    async def _let_in(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def opens(
        self, session: str = "", address: str = "10.0.0.1", origin: bytes = b"http://testserver"
    ) -> bool:
        headers = [(b"origin", origin), (b"cookie", f"sessionid={session}".encode())]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "websocket", "headers": headers, "client": (address, 1)}
        await self._gate(scope, receive, send)
        return sent[0]["type"] == "websocket.accept"


def session_of(person: Person) -> str:
    return person.client.cookies["sessionid"].value


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[float]:
    """Stands still; the limit is LIMIT a second."""
    settings.HANDSHAKES_PER_ADDRESS = LIMIT
    settings.WEBSOCKET_ORIGINS = ["http://testserver"]
    now = [1000.0]
    monkeypatch.setattr("chatsite.handshakes.monotonic", lambda: now[0])
    return now


async def test_at_the_limit_somebody_new_comes_in_and_over_it_nobody(
    clock: list[float], alice: Person, bob: Person
) -> None:
    door = Door()
    for _ in range(LIMIT - 1):
        assert not await door.opens("made-up")
    assert await door.opens(session_of(alice))
    assert not await door.opens()
    assert not await door.opens(session_of(bob)), "one over the limit"
    assert await door.opens(session_of(alice)), "who was here before is not held back"
    assert await door.opens(session_of(bob), address="10.0.0.2")
    clock[0] += 1 / LIMIT + 0.001
    assert await door.opens(session_of(bob))


@pytest.fixture
def crowd(db: None) -> list[str]:
    return [session_of(member(f"person{number}")) for number in range(LIMIT * 3)]


async def test_people_are_not_counted(clock: list[float], crowd: list[str]) -> None:
    door = Door()
    assert all([await door.opens(session) for session in crowd])


async def test_neighbours_in_one_network_count_as_one(clock: list[float], alice: Person) -> None:
    door = Door()
    for number in range(LIMIT):
        assert not await door.opens(address=f"2001:db8::{number}")
    assert not await door.opens(session_of(alice), address="2001:db8::ffff")
    assert await door.opens(session_of(alice), address="2001:db9::1")


async def test_a_flood_writes_no_more_lines_than_the_limit(
    clock: list[float], alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    door = Door()
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            assert not await door.opens(session_of(alice), origin=b"https://evil.example")
    assert len([line for line in caplog.messages if "origin" in line]) == LIMIT

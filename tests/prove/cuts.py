"""P3: an answer full of hard characters is read through a cable with faults, and comes out equal to what was sent."""

from __future__ import annotations

import asyncio
import hashlib
import random
import uuid

from tests.fake_upstream import wire
from tests.fake_upstream.steps import Head, Sleep, Step

from .chaos import FAULTS, Chaos
from .client import Page, request
from .place import POSTGRES, Place
from .report import Finding

CHARACTERS, AT_ONCE = 20_000, 5
HARD = (
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f44d\U0001f3fd", "e\u0301", "a\u0308\u0323", "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627",
    "\r\n", "\n\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "```python\nprint('x')\n```\n", "\u2028", "\U0001d518",
    "plain words ", "**bold** ", "\\", '"', "<b>", "data: x\n\n", " ", "\t",
)  # fmt: skip


def hard_text(chance: random.Random, characters: int = CHARACTERS) -> list[str]:
    """Pieces of a text; a piece may end inside a grapheme, as a model's may."""
    whole = ""
    while len(whole) < characters:
        whole += chance.choice(HARD)
    pieces = []
    while whole:
        size = chance.randint(1, 120)
        pieces.append(whole[:size])
        whole = whole[size:]
    return pieces


def answer_of(pieces: list[str], seconds: float) -> list[Step]:
    """The provider's script of this text, in `seconds` or so."""
    pause = seconds / len(pieces)
    steps: list[Step] = [Head(), wire.message_start(), wire.block_start()]
    for piece in pieces:
        steps += [wire.text_delta(piece), Sleep(pause)]
    return [*steps, wire.block_stop(), wire.message_end(output_tokens=len(pieces))]


async def prove(runs: int, seed: int, database: str, **settings: str) -> list[Finding]:
    """`runs` answers, each with cuts on the way; where there are two servers, pages read from the other one."""
    found = Finding(
        "P3", database, "shown and stored equal to the provider's, first text ≤1 s after reconnect", seed
    )
    chance = random.Random(seed)
    with Place(database, servers=2 if database == POSTGRES else 1, **settings) as place:
        people = place.add_people(AT_ONCE)
        while found.runs < runs:
            await asyncio.gather(
                *(_one(place, session, random.Random(chance.random()), found) for session in people)
            )
            found.runs += len(people)
        found.check(not place.complaints(), place.complaints())
    return [found]


async def _one(place: Place, session: str, chance: random.Random, found: Finding) -> None:
    pieces = hard_text(chance)
    mark = f"mark-{uuid.uuid4().hex}"
    place.upstream.answers[mark] = answer_of(pieces, 2.5)
    server = place.servers[-1]
    async with Chaos(server.port) as cable:
        fields = {"text": f"Go. {mark}", "client_id": str(uuid.uuid4())}
        status, sent = await request(place.servers[0].port, "POST", "/conversations/", session, fields)
        assert status == 201, sent
        page = Page(cable.port, session, sent["conversation"], site=server.port).open()
        page.follow(sent["generation"])
        breaking = asyncio.create_task(_break(cable, page, chance))
        try:
            shown = await page.ended(sent["generation"], 60)
        except TimeoutError:
            found.fail(f"no end came; faults {cable.history}")
            return
        finally:
            breaking.cancel()
            await asyncio.gather(breaking, return_exceptions=True)
            await page.close()
    whole = "".join(pieces)
    _, body = await request(server.port, "GET", f"/conversations/{sent['conversation']}/messages/", session)
    stored = body["messages"][-1]["content"][0]["text"]
    found.check(_digest(stored) == _digest(whole), f"stored otherwise than sent; faults {cable.history}")
    found.check(_digest(shown.whole) == _digest(whole), f"shown otherwise than sent; faults {cable.history}")
    found.check(shown.stops == 1, f"{shown.stops} message_stop")
    if cable.history and cable.history[-1] in ("reset_peer", "reload") and len(page.first_after) > 1:
        found.most("s from reconnecting to text", max(page.first_after[1:]), 1)


async def _break(cable: Chaos, page: Page, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(0.1, 0.9))
        fault = chance.choice((*FAULTS, "reset_peer", "reload"))
        if fault == "reload":
            # A new tab knows nothing.
            for shown in page.shown.values():
                if shown.stop is None:
                    shown.text.clear()
                    shown.seq = 0
            cable.history.append("reload")
            page.cut()
        else:
            await cable.suffer(fault, chance)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

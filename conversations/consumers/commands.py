"""What a browser may send over the websocket: three small commands, parsed strictly (promises W09 to W12, W24)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

# The largest whole number that JavaScript and every JSON parser agree on.
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Resume(msgspec.Struct, tag="resume"):
    generation: UUID
    after: Seq


class Ack(msgspec.Struct, tag="ack"):
    generation: UUID
    seq: Seq


class Stop(msgspec.Struct, tag="stop"):
    generation: UUID


Command = Resume | Ack | Stop
_decoder = msgspec.json.Decoder(Command)


class BadCommand(Exception):
    """The frame is not one of the commands."""


def parse(text: str) -> Command:
    """The command in a text frame. Raises BadCommand for everything else, however it is wrong."""
    try:
        return _decoder.decode(text)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadCommand(str(error)[:200]) from None

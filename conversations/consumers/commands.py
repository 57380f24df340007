"""What a browser may send over the websocket: three small commands, parsed strictly (promises W09 to W12, W24)."""

from __future__ import annotations

from typing import Annotated, Any
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
MAX_DEPTH = 32
MAX_KEYS = 64
_decoder = msgspec.json.Decoder(Command)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BadCommand(Exception):
    """The frame is not one of the commands."""


def parse(text: str) -> Command:
    """The command in a text frame. Raises BadCommand for everything else, however it is wrong."""
    try:
        command: Command = _decoder.decode(text)
        _check_rest(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadCommand(str(error)[:200]) from None
    return command


def _check_rest(text: str) -> None:
    """The limits on what a command does not ask for and skips, and the one number that reads like another. Raises
    BadCommand.
    """
    # Our own pages send three keys and no list: only what is larger is read once more as a whole.
    if text.count(":") > 3 or "[" in text:
        keys, depth = _measured(msgspec.json.decode(text))
        if keys > MAX_KEYS or depth > MAX_DEPTH:
            raise BadCommand(f"at most {MAX_KEYS} keys and {MAX_DEPTH} levels")
    if "-0" in text and any(bytes(value) == b"-0" for value in _fields.decode(text).values()):
        raise BadCommand("-0 is no number here")


def _measured(value: Any) -> tuple[int, int]:
    """How many keys there are in a JSON value, and how many levels it has."""
    if not isinstance(value, dict | list):
        return 0, 0
    inner = value.values() if isinstance(value, dict) else value
    found = [_measured(one) for one in inner]
    keys = len(value) if isinstance(value, dict) else 0
    return keys + sum(keys for keys, _ in found), 1 + max((depth for _, depth in found), default=0)

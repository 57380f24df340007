"""Events of a live log become frames: neighbouring deltas merged. Also the journal's rows."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from ..upstream.events import ContentBlockDelta, InputJsonDelta, TextDelta, ThinkingDelta
from .log import LiveLog

Body = dict[str, Any]
Numbered = tuple[int, Body]

# A merged delta never grows beyond this, so that one frame never fills a reader's whole window.
MERGE_CHARACTERS = 16_384

_encoder = msgspec.json.Encoder()
# Which attribute of a delta is text that may be joined with its neighbour's.
_TEXT_OF = {TextDelta: "text", ThinkingDelta: "thinking", InputJsonDelta: "partial_json"}


def bodies(
    log: LiveLog, after: int, upto: int | None = None, characters: int = sys.maxsize
) -> list[Numbered]:
    """The events after number `after` (up to `upto`), merged, as (seq, body) pairs.

    Stops after so many characters of text: whoever cannot send more now need not have more made.
    """
    events = log.events
    result: list[Numbered] = []
    # An answer that another process has ended may have become shorter meanwhile.
    count = len(events) if upto is None else min(upto, len(events))
    position = after
    while position < count and characters > 0:
        event = events[position]
        position += 1
        if event is None:
            # Merged by the process that wrote the journal: the event stands at its last number.
            continue
        if type(event) is not ContentBlockDelta:
            result.append((position, event if type(event) is dict else msgspec.to_builtins(event)))
            continue
        delta = event.delta
        kind = type(delta)
        name = _TEXT_OF.get(kind)
        if name is None:
            result.append((position, msgspec.to_builtins(event)))
            continue
        index = event.index
        pieces = [getattr(delta, name)]
        length = len(pieces[0])
        while position < count and length < MERGE_CHARACTERS:
            event = events[position]
            if event is not None:
                if (
                    type(event) is not ContentBlockDelta
                    or event.index != index
                    or type(event.delta) is not kind
                ):
                    break
                piece = getattr(event.delta, name)
                pieces.append(piece)
                length += len(piece)
            position += 1
        characters -= length
        merged = {"type": delta.type, name: "".join(pieces)}
        result.append((position, {"type": "content_block_delta", "index": index, "delta": merged}))
    return result


def frame(log: LiveLog, body: Body, seq: int | None = None) -> str:
    """One JSON frame; its first key is `type`, as the contract says."""
    message: Body = {"type": body["type"], "generation": log.generation, "message": log.message}
    if seq is not None:
        message["seq"] = seq
    message.update(body)
    return _encoder.encode(message).decode()


def encode(body: Body) -> str:
    """A frame that belongs to no log."""
    return _encoder.encode(body).decode()


def journal_text(log: LiveLog, after: int, upto: int) -> str:
    """The JSON text of a journal row: a list of bodies, each with its `seq`."""
    return _encoder.encode([{**body, "seq": seq} for seq, body in bodies(log, after, upto)]).decode()

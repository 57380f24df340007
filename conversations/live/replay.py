"""A log made again from the database: of a finished answer, or of one that another process is working on."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import msgspec

from ..models import Generation, GenerationEvent
from ..models.message import told_to_all
from ..upstream.accumulator import Accumulator
from ..upstream.errors import UpstreamError
from ..upstream.events import ContentBlockStop, MessageStart, event_from_dict
from .log import LiveLog
from .thinking import timed

logger = logging.getLogger(__name__)

Block = dict[str, Any]


def log_of(generation: Generation) -> LiveLog:
    """The log as the database has it now: closed when the answer is finished, else what is journalled of it."""
    log = LiveLog(generation.pk, generation.message_id, generation.conversation_id, mirrored=True)
    if generation.is_live:
        read_journal(log)
    else:
        _from_message(log, generation)
    return log


def read_journal(log: LiveLog) -> None:
    """Append what the journal has beyond the log's end, None where numbers were merged."""
    log.events.extend(read_journals({log.generation: log.seq}).get(log.generation, ()))


def read_journals(ends: dict[uuid.UUID, int]) -> dict[uuid.UUID, list[Any]]:
    """What the journal has beyond these ends of logs, by generation; None where numbers were merged. One query."""
    found: dict[uuid.UUID, list[Any]] = {}
    for generation, text in GenerationEvent.objects.beyond(ends):
        added = found.setdefault(generation, [])
        for body in msgspec.json.decode(text):
            seq = body.pop("seq")
            added.extend([None] * (seq - ends[generation] - len(added) - 1))
            added.append(_event(body))
    return found


def journalled_content(generation: Generation) -> list[Block]:
    """The content of a running answer as far as it is journalled: a plain read, also beside a running server."""
    log = LiveLog(generation.pk, generation.message_id, generation.conversation_id)
    read_journal(log)
    return accumulated(log).content


def accumulated(log: LiveLog) -> Accumulator:
    """The log's events put together; what cannot belong to the answer ends it there."""
    found = Accumulator()
    try:
        for event in log.events:
            if event is None:
                continue
            if type(event) is dict and event["type"] == "message_start":
                message = {"model": event.get("model"), "usage": event.get("usage")}
                found.apply(MessageStart(message))
            else:
                found.apply(event_from_dict(event) if type(event) is dict else event)
    except UpstreamError as error:
        logger.warning(
            "The journal of generation %s ends in a garbled event: %s", log.generation, error.detail
        )
    return found


def _event(body: dict[str, Any]) -> Any:
    return event_from_dict(body) if body["type"] == "content_block_delta" else body


def _from_message(log: LiveLog, generation: Generation) -> None:
    message = generation.message
    events: list[Any] = [start_body(message.model or generation.model, {})]
    for index, block in enumerate(message.content):
        seconds = (message.thinking_seconds or {}).get(str(index))
        events.extend(_block_events(index, block, seconds))
    if message.stop_reason:
        delta = {"stop_reason": message.stop_reason, "stop_sequence": message.stop_sequence or None}
        events.append({"type": "message_delta", "delta": delta, "usage": message.usage})
    events.extend([None] * (generation.last_seq - len(events) - 1))
    log.events = events
    log.rebuilt = True
    log.close(
        stop_body(
            message.status, message.error, message.stop_reason, message.usage, message.cost_microdollars
        )
    )


def _block_events(index: int, block: Block, seconds: float | None) -> list[Any]:
    """A stored block as the events that would build it again."""
    begun, delta = dict(block), None
    if raw := begun.pop("partial_json", ""):
        delta = {"type": "input_json_delta", "partial_json": raw}
    elif (name := block.get("type")) in ("text", "thinking") and block.get(name):
        begun[name] = ""
        delta = {"type": f"{name}_delta", name: block[name]}
    events: list[Any] = [{"type": "content_block_start", "index": index, "content_block": begun}]
    if delta is not None:
        events.append(event_from_dict({"type": "content_block_delta", "index": index, "delta": delta}))
    return [*events, timed(ContentBlockStop(index), seconds)]


def start_body(model: str, usage: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message_start", "model": model, "usage": usage}


def stop_body(
    status: str,
    error: dict[str, Any] | None,
    stop_reason: str = "",
    usage: dict[str, Any] | None = None,
    cost: int | None = None,
) -> dict[str, Any]:
    """The last event of an answer, as the contract lists it."""
    return {
        "type": "message_stop",
        "status": status,
        "error": told_to_all(error),
        "stop_reason": stop_reason or None,
        "usage": usage,
        "cost": cost,
    }


def generation_with_message(id: uuid.UUID) -> Generation | None:
    return Generation.objects.select_related("message").filter(pk=id).first()


def generations_with_message(ids: list[uuid.UUID]) -> list[Generation]:
    return list(Generation.objects.select_related("message").filter(pk__in=ids)) if ids else []

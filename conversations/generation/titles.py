"""A short title after a conversation's first answer: one non-streaming call of our own; its failure is silent."""

from __future__ import annotations

import logging

from channels.db import database_sync_to_async

from ..actions import titles
from ..actions.errors import Refused
from ..actions.outcome import Outcome
from ..models import GenerationStatus
from ..upstream.client import UpstreamClient, Wait
from ..upstream.errors import UpstreamError
from ..upstream.model_table import DISABLED
from ..upstream.request import MessageRequest, abilities_of
from .context import Turn

logger = logging.getLogger(__name__)

_MAX_TOKENS = 64
_QUOTED_CHARACTERS = 1500


async def give_title(client: UpstreamClient, turn: Turn, outcome: Outcome) -> None:
    """Ask for a title when this was the first answer that completed; store it unless a person was faster."""
    if outcome.status != GenerationStatus.COMPLETED or not outcome.content or turn.answered_before:
        return
    request = request_for(turn, outcome)
    try:
        length = len(request.messages[0]["content"][0]["text"])
        call = await database_sync_to_async(titles.open_call)(
            turn.conversation, turn.generation, length, request.max_tokens
        )
        if call is None:
            return
    except Refused:
        logger.info("No title: a spending limit is reached.")
        return
    except Exception:
        logger.exception("A title could not be asked for: conversation %s", turn.conversation)
        return
    row = call

    async def try_again(wait: Wait) -> None:
        nonlocal row
        row = await database_sync_to_async(titles.try_again)(row, wait.error.type)

    try:
        reply = await client.create(turn.endpoint, request, on_wait=try_again)
        await database_sync_to_async(titles.store)(row, reply.text, reply.usage, reply.meta, reply.model)
    except UpstreamError as failure:
        logger.info("No title: %s", failure.type)
        await database_sync_to_async(titles.book_failure)(row, failure.type)
    except Exception:
        logger.exception("A title could not be stored: conversation %s", turn.conversation)


def request_for(turn: Turn, outcome: Outcome) -> MessageRequest:
    """The call that asks for the title of a conversation which began with this turn and its answer."""
    question = _text(turn.request.messages[0]["content"])
    answer = _text(outcome.content)
    abilities = abilities_of(turn.request, turn.endpoint)
    is_chat = turn.endpoint.service.is_chat
    return MessageRequest(
        model=turn.request.model,
        messages=[
            {
                "role": "user",
                "content": [
                    {
                        "type": "text",
                        "text": "Write a title of at most six words for the conversation below, in its language. "
                        "Answer with the title alone, without quotation marks or a full stop.\n\n"
                        f"<question>\n{question}\n</question>\n\n<answer>\n{answer}\n</answer>",
                    }
                ],
            }
        ],
        max_tokens=_MAX_TOKENS,
        # Whatever thinking the model can be kept from would use up the few tokens; refused fields are left out. Of chat
        # servers nobody knows whether they take an effort that no person has asked for.
        thinking={"type": DISABLED},
        output_config={"effort": "low"} if "low" in abilities.efforts and not is_chat else None,
        abilities=abilities,
    )


def _text(content: list[dict[str, object]]) -> str:
    text = "".join(str(block.get("text") or "") for block in content if block.get("type") == "text")
    return text[:_QUOTED_CHARACTERS]

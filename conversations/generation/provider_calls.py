"""Calls that an administrator makes to see whether a provider works: one token of an answer, and its list of models.

Called by the views of providers, from a request's own thread, and by the doctor.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db.models import Model

from ..access import NotFound
from ..actions import audit, ledger
from ..actions.transaction import hold, writing
from ..models import GenerationStatus, LanguageModel, Provider, UsageRecord, User
from ..models.encryption import SecretUnreadable
from ..upstream.client import UpstreamClient
from ..upstream.errors import UpstreamError, told_administrator
from ..upstream.model_list import Listed, list_models
from ..upstream.reply import Reply
from ..upstream.request import MessageRequest
from .context import endpoint_of
from .limits import upstream_limits

# Somebody waits at the page, and a thread of the server with them.
SECONDS = 20.0
_NO_LIST = (
    "There is no list of models at this provider's address. Add models by their ids, and check the address if they do "
    "not answer."
)
# Gateways of which nobody knows whether they have one (messages-api sections 1.2 and 15).
_HAS_NO_LIST = (404, 405)

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Tried:
    """How a test call went, in a plain sentence."""

    works: bool
    sentence: str


def try_model(actor: User | None, language_model: LanguageModel) -> Tried:
    """A real call for one token; it is in the ledger like every other. Without an actor a command makes it."""
    provider = language_model.provider
    request = MessageRequest(
        model=language_model.model_id,
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        max_tokens=1,
        abilities=language_model.can,
    )
    started = time.monotonic()
    reply: Reply | None = None
    error_type = ""
    try:
        endpoint = endpoint_of(provider)
        limits = replace(upstream_limits(), total=SECONDS, first_byte=SECONDS, max_retries=0)

        async def ask() -> Reply:
            async with asyncio.timeout(SECONDS):
                return await UpstreamClient(limits).create(endpoint, request)

        reply = asyncio.run(ask())
        seconds = time.monotonic() - started
        answered = f" as {reply.model}" if reply.model and reply.model != language_model.model_id else ""
        tried = Tried(True, f"{language_model.model_id} answers{answered}, after {seconds:.1f} s.")
    except UpstreamError as error:
        error_type = error.type
        tried = Tried(False, told(error))
    except TimeoutError:
        error_type = "timeout"
        tried = Tried(False, f"No answer within {SECONDS:.0f} s.")
    except (ValueError, SecretUnreadable) as error:
        return Tried(False, str(error))
    _book(actor, language_model, reply, error_type, round((time.monotonic() - started) * 1000))
    return tried


def offered_by(provider: Provider) -> list[Listed]:
    """The models of the provider's own list. Raises UpstreamError, SecretUnreadable, or ValueError with a sentence
    where there is none.
    """
    endpoint = endpoint_of(provider)
    limits = replace(upstream_limits(), first_byte=SECONDS)
    try:
        return asyncio.run(list_models(endpoint, limits))
    except UpstreamError as error:
        if error.status in _HAS_NO_LIST:
            raise ValueError(_NO_LIST) from None
        raise


def told(error: UpstreamError) -> str:
    """What failed, in all the words that there are for an administrator."""
    parts = [
        told_administrator(error.message, error.admin_message),
        f"The provider said: {error.detail}" if error.detail else "",
    ]
    if error.status is not None:
        parts.append(f"(HTTP {error.status})")
    return " ".join(part for part in parts if part)


def _book(
    actor: User | None, language_model: LanguageModel, reply: Reply | None, error_type: str, milliseconds: int
) -> None:
    usage, meta, model = (reply.usage, reply.meta, reply.model) if reply is not None else ({}, None, "")
    with writing():
        asked_by = _if_there(actor)
        if asked_by is not None:
            audit.record(asked_by, "model_tested", language_model, works=not error_type)
        ledger.store(
            [
                UsageRecord(
                    user=asked_by,
                    provider=_if_there(language_model.provider),
                    language_model=_if_there(language_model),
                    model=model or language_model.model_id,
                    purpose=UsageRecord.Purpose.TEST,
                    status=GenerationStatus.FAILED if error_type else GenerationStatus.COMPLETED,
                    error_type=error_type,
                    cost_microdollars=ledger.price(
                        language_model, language_model.model_id, usage, meta, model
                    ),
                    duration_ms=milliseconds,
                    **ledger.token_columns(usage),
                )
            ]
        )


def _if_there(row: Row | None) -> Row | None:
    """The row, which stays until this transaction ends; None when somebody has removed it while the upstream was asked:
    what the call cost counts all the same.
    """
    with suppress(NotFound):
        if row is not None:
            hold(row)
            return row
    return None

"""A queued generation becomes a `Turn`: where to send what, in a form that needs no database any more.

Called by `begin` on the thread of the request that sent, before the engine takes over. What of the conversation goes
into the request is for `history` to say; here are the endpoint, the parameters and the files.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from ..actions import large_pictures
from ..attachments import sending
from ..models import Generation, GenerationStatus, LanguageModel, Message, Provider
from ..upstream.endpoint import Endpoint
from ..upstream.model_table import ADAPTIVE, BETWEEN_TOOLS, DISABLED, ENABLED, Capabilities
from ..upstream.request import MessageRequest
from .containers import container_of
from .history import Turns, turns_of

_DEFAULT_BUDGET = 4096


@dataclass(frozen=True, slots=True)
class Turn:
    """All that the engine needs to know to answer, detached from the database. The ids are those of our rows."""

    generation: uuid.UUID
    message: uuid.UUID
    conversation: uuid.UUID
    endpoint: Endpoint
    request: MessageRequest
    # Whether an answer above this one has completed, and said something.
    answered_before: bool = False


def prepare(generation: Generation) -> Turn:
    """The turn to answer. Raises SecretUnreadable when the provider's key cannot be decrypted, CannotBeSent when a file
    stands in the way, ValueError with a sentence when the model is gone or its provider has an impossible address.
    """
    language_model = generation.language_model
    if language_model is None:
        raise ValueError("The model of this answer was removed.")
    path = _path_to(generation.message.parent)
    return Turn(
        generation=generation.pk,
        message=generation.message_id,
        conversation=generation.conversation_id,
        endpoint=endpoint_of(language_model.provider),
        request=request_for(language_model, generation.parameters, path),
        answered_before=any(_has_answered(message) for message in path),
    )


def _path_to(message: Message | None) -> list[Message]:
    """The branch up to this message."""
    if message is None or message.parent_id is None:
        return [message] if message else []
    return Message.objects.path(message.pk, related=())


def _has_answered(message: Message) -> bool:
    is_complete = message.role == Message.Role.ASSISTANT and message.status == GenerationStatus.COMPLETED
    return is_complete and bool(message.content)


def endpoint_of(provider: Provider) -> Endpoint:
    """Where and with which key the provider is asked. Raises SecretUnreadable, or ValueError for what it cannot be."""
    return Endpoint(
        dialect=provider.dialect,
        base_url=provider.base_url,
        api_key=provider.api_key.reveal(),
        version=provider.version,
        extra_headers=provider.extra_headers,
    )


def request_for(
    language_model: LanguageModel, parameters: dict[str, Any], path: list[Message]
) -> MessageRequest:
    """The request that goes on from the end of `path` with these parameters."""
    capabilities = language_model.can
    thinking, output_config = _thinking(parameters, capabilities)
    return MessageRequest(
        model=language_model.model_id,
        messages=_with_files(turns_of(path, language_model, parameters), capabilities, language_model),
        max_tokens=language_model.max_tokens(parameters.get("max_tokens")),
        system=parameters.get("system", ""),
        stop_sequences=list(parameters.get("stop_sequences", [])),
        temperature=parameters.get("temperature"),
        top_p=parameters.get("top_p"),
        top_k=parameters.get("top_k"),
        thinking=thinking,
        output_config=output_config,
        # Each request begins as the one before: what was read then costs a tenth (messages-api 12). Servers that nobody
        # knows may refuse the field.
        cache_control={"type": "ephemeral"} if capabilities.known else None,
        container=container_of(path, language_model),
        abilities=capabilities,
    )


def _with_files(turns: Turns, capabilities: Capabilities, language_model: LanguageModel) -> Turns:
    """Attachments become base64 here and only here (DESIGN section 3)."""
    attachments = sending.attachments_of(turns)
    if not attachments:
        return turns
    if sending.takes_large(sending.pictures_in(turns), capabilities):
        large_pictures.prepare(attachments.values())
    return sending.with_files(turns, attachments, capabilities, language_model.provider.dialect)


def _thinking(
    parameters: dict[str, Any], capabilities: Capabilities
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The `thinking` and `output_config` fields for what the person chose (messages-api 6.1, 14)."""
    choice = parameters.get("thinking", "")
    thinking: dict[str, Any] | None = None
    if choice == "off":
        if {DISABLED, BETWEEN_TOOLS} & set(capabilities.thinking):
            thinking = {"type": DISABLED}
    elif ADAPTIVE in capabilities.thinking:
        # The summary is left out by default on newer models; a person who waits wants to see it.
        if choice == "on" or capabilities.thinking_default in ("on", "always"):
            thinking = {"type": ADAPTIVE, "display": "summarized"}
    elif choice == "on" and ENABLED in capabilities.thinking:
        thinking = {"type": ENABLED, "budget_tokens": parameters.get("budget_tokens") or _DEFAULT_BUDGET}
    effort = parameters.get("effort")
    return thinking, {"effort": effort} if effort in capabilities.efforts else None

"""A queued generation becomes what is sent upstream: the path from root to leaf as a MessageRequest.

Called on the request's thread by views, before the engine takes over. Rules: messages-api 5, 6.3, 7.3, 8.1.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from ..actions import continuation, large_pictures
from ..attachments import sending
from ..models import Conversation, Generation, GenerationStatus, LanguageModel, Message, Provider
from ..upstream.endpoint import Endpoint
from ..upstream.model_table import Capabilities
from ..upstream.request import MessageRequest
from ..upstream.silent import THINKING, is_empty_text, says_nothing
from . import signatures

Block = dict[str, Any]
Turns = list[dict[str, Any]]

# In place of a turn that was nothing but files that had to be left out: a request cannot do without it.
_LEFT_OUT: Block = {"type": "text", "text": "(The file that was sent here cannot be read and was left out.)"}
_SERVER_CALLS = ("server_tool_use", "mcp_tool_use")
_DEFAULT_BUDGET = 4096
_MIN_BUDGET = 1024


@dataclass(frozen=True, slots=True)
class Turn:
    """All that the engine needs to know to answer, detached from the database."""

    generation: uuid.UUID
    message: uuid.UUID
    conversation: uuid.UUID
    endpoint: Endpoint
    request: MessageRequest
    # Whether an answer above this one has completed.
    answered_before: bool = False


def prepare(generation: Generation) -> Turn:
    """The turn to answer. Raises SecretUnreadable when the provider's key cannot be decrypted, CannotBeSent when a file
    stands in the way.
    """
    language_model = generation.language_model
    if language_model is None:
        raise ValueError("The model of this generation was removed.")
    path = _path_to(generation.message.parent)
    return Turn(
        generation=generation.pk,
        message=generation.message_id,
        conversation=generation.conversation_id,
        endpoint=endpoint_of(language_model.provider),
        request=request_for(generation.conversation, language_model, generation.parameters, path),
        answered_before=any(_has_completed(message) for message in path),
    )


def _path_to(message: Message | None) -> list[Message]:
    """The branch up to this message."""
    if message is None or message.parent_id is None:
        return [message] if message else []
    return Message.objects.path(message.pk, related=())


def _has_completed(message: Message) -> bool:
    return message.role == Message.Role.ASSISTANT and message.status == GenerationStatus.COMPLETED


def endpoint_of(provider: Provider) -> Endpoint:
    return Endpoint(
        dialect=provider.dialect,
        base_url=provider.base_url,
        api_key=provider.api_key.reveal(),
        version=provider.version,
        extra_headers=provider.extra_headers,
    )


def request_for(
    conversation: Conversation, language_model: LanguageModel, parameters: dict[str, Any], path: list[Message]
) -> MessageRequest:
    """The request that goes on from the end of `path` with these parameters."""
    capabilities = language_model.can
    limit = language_model.max_tokens(parameters.get("max_tokens"))
    thinking, output_config = _thinking(parameters, capabilities, limit)
    return MessageRequest(
        model=language_model.model_id,
        messages=_with_files(turns(path, language_model, parameters), capabilities, language_model),
        max_tokens=limit,
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


def turns(path: list[Message], language_model: LanguageModel, parameters: dict[str, Any]) -> Turns:
    """Alternating user and assistant turns; empty and refused ones left out, neighbours of one role merged."""
    merged: Turns = []
    signed = signatures.holding(path, language_model, parameters)
    declined = {message.parent_id for message in path if message.stop_reason == "refusal"}
    for message in path:
        is_question = message.role == Message.Role.USER
        if message.stop_reason == "refusal" or (is_question and message.pk in declined):
            # With the question, what the model declines would be asked again (messages-api 8.1). Half an answer that it
            # declines to go on with stays.
            continue
        if is_question:
            content = _user_blocks(message.content)
        else:
            content = _assistant_blocks(message, keep_thinking=message.pk in signed)
        _add(merged, str(message.role), content)
    result: Turns = []
    paused = bool(path) and continuation.is_paused(path[-1])
    for turn in merged:
        if turn["role"] == Message.Role.ASSISTANT and not (paused and turn is merged[-1]):
            _add(result, turn["role"], _whole_calls(turn["content"]))
        else:
            _add(result, turn["role"], turn["content"])
    if result and result[-1]["role"] == Message.Role.ASSISTANT and not paused:
        if continuation.takes_prefill(path[-1], language_model, parameters):
            result[-1]["content"] = _prefill(result[-1]["content"])
        else:
            # It was to be prefilled, and is asked for again with a model or a setting that refuses that.
            asking = {"type": "text", "text": continuation.request_to_go_on(path[-1])}
            result.append({"role": "user", "content": [asking]})
    return result


def _add(turns: Turns, role: str, content: list[Block]) -> None:
    if not content:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] = turns[-1]["content"] + content
    else:
        turns.append({"role": role, "content": content})


def _whole_calls(content: list[Block]) -> list[Block]:
    """Without server tools' calls that have no result: the answer broke off there, or its pause was never ended. And
    without results whose call is left out: the one goes back with the other (messages-api 5).
    """
    # As words: of an upstream's block nobody knows what its fields hold.
    answered = {str(block["tool_use_id"]) for block in content if "tool_use_id" in block}
    called = {str(block["id"]) for block in content if "id" in block}
    kept = [b for b in content if b.get("type") not in _SERVER_CALLS or str(b.get("id")) in answered]
    return _with_words([b for b in kept if not _is_result(b) or str(b["tool_use_id"]) in called])


def _is_result(block: Block) -> bool:
    return str(block.get("type")).endswith("tool_result") and "tool_use_id" in block


def _with_words(content: list[Block]) -> list[Block]:
    """Thinking alone is no turn: an answer that was cut off before its first word."""
    return [] if says_nothing(content) else content


def _user_blocks(content: list[Block]) -> list[Block]:
    """Pictures and documents in order, then the text (DESIGN section 3); what a person chose to leave out stays out."""
    kept = [block for block in content if not block.get("omitted")]
    others = [block for block in kept if block.get("type") != "text"]
    texts = [block for block in kept if block.get("type") == "text" and block.get("text")]
    if not others and not texts and any(block.get("type") != "text" for block in content):
        return [_LEFT_OUT]
    return others + texts


def _assistant_blocks(message: Message, *, keep_thinking: bool) -> list[Block]:
    kept = []
    for block in message.content:
        kind = block.get("type")
        if is_empty_text(block):
            continue
        if kind in THINKING and not keep_thinking:
            continue
        # A call that nobody answered: there is no tool_result for it in the next turn.
        if kind == "tool_use" or block.get("partial_json") is not None:
            continue
        kept.append(block)
    return _with_words(kept)


def _prefill(content: list[Block]) -> list[Block]:
    """A trailing answer to be continued must not end in white space (messages-api 3.1)."""
    last = content[-1]
    if last.get("type") == "text":
        return [*content[:-1], {**last, "text": last["text"].rstrip()}]
    return content


def _thinking(
    parameters: dict[str, Any], capabilities: Capabilities, max_tokens: int
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The `thinking` and `output_config` fields for what the person chose (messages-api 6.1, 14)."""
    choice = parameters.get("thinking", "")
    thinking: dict[str, Any] | None = None
    if choice == "off":
        if "disabled" in capabilities.thinking:
            thinking = {"type": "disabled"}
    elif "adaptive" in capabilities.thinking:
        # The summary is left out by default on newer models; a person who waits wants to see it.
        if choice == "on" or capabilities.thinking_default in ("on", "always"):
            thinking = {"type": "adaptive", "display": "summarized"}
    elif choice == "on" and "enabled" in capabilities.thinking:
        budget = min(parameters.get("budget_tokens") or _DEFAULT_BUDGET, max_tokens - 1)
        if budget >= _MIN_BUDGET:
            thinking = {"type": "enabled", "budget_tokens": budget}
    effort = parameters.get("effort")
    return thinking, {"effort": effort} if effort in capabilities.efforts else None

"""The body of a request for a given endpoint and model: the only writer of request JSON for Messages dialects.
Used by the client.
"""

from __future__ import annotations

from typing import Any

from . import chat_request
from .dialects import Dialect
from .endpoint import Endpoint
from .errors import UpstreamError
from .model_table import BETWEEN_TOOLS, DISABLED, ENABLED, LEAST_BUDGET, Capabilities
from .request import MessageRequest, abilities_of

_FORCED = frozenset({"any", "tool"})
_HIGHER_EFFORTS = frozenset({"xhigh", "max"})
_LOOKBACK = 20  # blocks


def body(request: MessageRequest, endpoint: Endpoint, *, stream: bool) -> dict[str, Any]:
    """The JSON body for this endpoint, without the fields that its dialect (section 19) or the model (section
    14) refuses.

    Raises UpstreamError `invalid` for content that cannot be sent there at all, such as a PDF: leaving it out
    would be a lie.
    """
    abilities = abilities_of(request, endpoint)
    if not abilities.documents:
        _refuse_documents(request.messages)
    service = endpoint.service
    if service.is_chat:
        return chat_request.body(
            request, sampling=sampling(request, abilities, endpoint, thinks=False), stream=stream
        )
    result: dict[str, Any] = {
        "model": request.model,
        "max_tokens": max(
            1, min(request.max_tokens, abilities.max_output) if abilities.known else request.max_tokens
        ),
        "messages": request.messages if service.is_native else _plain(request.messages),
    }
    if request.system:
        result["system"] = request.system
    if stop_sequences := [text for text in request.stop_sequences if text.strip()]:
        result["stop_sequences"] = stop_sequences
    if stream:
        result["stream"] = True
    effort = _effort(request, abilities)
    thinking = _thinking(request, abilities, result["max_tokens"], effort)
    if thinking is not None:
        result["thinking"] = thinking
    result |= sampling(request, abilities, endpoint, thinks=_thinks(thinking, abilities))
    if output_config := _output_config(request, effort) if service.is_native else None:
        result["output_config"] = output_config
    if metadata := _metadata(request.metadata, as_text=service.has_text_metadata):
        result["metadata"] = metadata
    result |= _tools(request, service, abilities, thinking)
    if request.cache_control and service.is_native:
        result["cache_control"] = request.cache_control
        result["messages"] = _marked(result["messages"], request.cache_control)
    if request.container and service.is_native:
        result["container"] = request.container
    return result


def sampling(
    request: MessageRequest, abilities: Capabilities, endpoint: Endpoint, *, thinks: bool
) -> dict[str, Any]:
    """Sampling fields that go out: of those that are taken none while thinking, else one of two."""
    taken = () if thinks else sampling_taken(abilities, endpoint.service, endpoint.version)
    fields = {name: value for name in taken if (value := getattr(request, name)) is not None}
    if abilities.one_sampling_field and "temperature" in fields:
        fields.pop("top_p", None)
    return fields


def sampling_taken(abilities: Capabilities, service: Dialect, version: str) -> tuple[str, ...]:
    """The sampling fields that this model, service and `anthropic-version` take: none since 4.7, none on 2026-10-21."""
    if not abilities.sampling or (service.has_versions and version >= "2026-10-21"):
        return ()
    if service.samples_by_temperature_alone:
        return ("temperature",)
    return ("temperature", "top_p") if service.is_chat else ("temperature", "top_p", "top_k")


def _refuse_documents(messages: list[dict[str, Any]]) -> None:
    for message in messages:
        content = message.get("content")
        if isinstance(content, list) and any(block.get("type") == "document" for block in content):
            raise UpstreamError(
                "invalid",
                "This model cannot read documents. Remove them, or choose another model.",
            )


def _plain(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**message, "content": _plain_content(message["content"])} for message in messages]


def _plain_content(content: Any) -> Any:
    """Without cache marks and response-only nulls, which other servers than the native one may refuse."""
    return [_plain_block(block) for block in content] if isinstance(content, list) else content


def _plain_block(block: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in block.items() if key != "cache_control" and value is not None}
    if "content" in plain and str(block.get("type")).endswith("tool_result"):
        # What a search found has an age or none; the nulls of an input or a citation belong to it.
        plain["content"] = _without_nulls(plain["content"])
    return plain


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _marked(messages: list[dict[str, Any]], cache_control: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages with a mark of their own where the request before ended, when the automatic one at the end is too
    far from there to find what is cached: a cited answer alone may be more blocks than it looks back (section 12).
    """
    ended = next((at for at in reversed(range(len(messages) - 1)) if messages[at]["role"] == "user"), None)
    if ended is None or isinstance(messages[ended]["content"], str):
        return messages
    if sum(len(message["content"]) for message in messages[ended + 1 :]) < _LOOKBACK:
        return messages
    *before, last = messages[ended]["content"]
    marked = {**messages[ended], "content": [*before, {**last, "cache_control": cache_control}]}
    return [*messages[:ended], marked, *messages[ended + 1 :]]


def _effort(request: MessageRequest, abilities: Capabilities) -> str | None:
    effort = (request.output_config or {}).get("effort")
    return effort if effort in abilities.efforts else None


def _thinking(
    request: MessageRequest, abilities: Capabilities, max_tokens: int, effort: str | None
) -> dict[str, Any] | None:
    thinking = request.thinking
    if thinking == {"type": DISABLED} and DISABLED not in abilities.thinking:
        # The same under another name: without tools, such an answer begins with its text.
        thinking = {"type": BETWEEN_TOOLS}
    if not thinking or thinking.get("type") not in abilities.thinking:
        return None
    if thinking["type"] == ENABLED:
        budget = min(int(thinking.get("budget_tokens") or LEAST_BUDGET), max_tokens - 1)
        return {**thinking, "budget_tokens": budget} if budget >= LEAST_BUDGET else None
    limited = thinking["type"] == BETWEEN_TOOLS or (
        thinking["type"] == DISABLED and abilities.disabled_up_to_high_effort
    )
    return None if limited and effort in _HIGHER_EFFORTS else thinking


def _thinks(thinking: dict[str, Any] | None, abilities: Capabilities) -> bool:
    if thinking is not None:
        return bool(thinking["type"] != DISABLED)
    return abilities.thinking_default in {"on", "always"}


def _output_config(request: MessageRequest, effort: str | None) -> dict[str, Any]:
    config = dict(request.output_config or {})
    config.pop("effort", None)
    return config | ({"effort": effort} if effort else {})


def _metadata(metadata: dict[str, Any] | None, *, as_text: bool) -> dict[str, Any]:
    if as_text:
        return {key: str(value) for key, value in (metadata or {}).items() if value is not None}
    return metadata or {}


def _tools(
    request: MessageRequest, service: Dialect, abilities: Capabilities, thinking: dict[str, Any] | None
) -> dict[str, Any]:
    if not request.tools:
        return {}
    choice = request.tool_choice
    kind = (choice or {}).get("type")
    if kind == "none" and not service.takes_choice_of_none:
        return {}  # without tools, nothing can be called
    tools = request.tools if service.is_native else [_without_cache_control(tool) for tool in request.tools]
    forced_refused = not abilities.forced_tool_choice or (thinking or {}).get("type") == ENABLED
    if choice is None or not service.takes_tool_choice or (kind in _FORCED and forced_refused):
        return {"tools": tools}
    return {"tools": tools, "tool_choice": choice}


def _without_cache_control(tool: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tool.items() if key != "cache_control"}

"""Token counts as an upstream reports them: checked field by field, merged over a stream (messages-api
section 9.4, promises S11).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, TypeGuard

MAX_COUNT = 1_000_000_000  # far above any context; a larger figure is a fault, not a count
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_BREAKDOWNS = ("cache_creation", "server_tool_use", "output_tokens_details")
_COST_HEADERS = (("usd_spent", "x-aimlapi-usd-spent"), ("credits_used", "x-aimlapi-credits-used"))
_WORDS = ("service_tier", "inference_geo", "speed")
# message_start reports "a small number"; only a fall from above it contradicts itself.
_PROVISIONAL_OUTPUT = 16


def is_count(value: object) -> TypeGuard[int]:
    """Whether a value can be a number of tokens or requests."""
    return type(value) is int and 0 <= value <= MAX_COUNT


class Usage:
    """The usage of one answer while it arrives. A figure that makes no sense is unknown from then on, never 0."""

    __slots__ = ("_final", "_unknown", "_values")

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._unknown: set[str] = set()
        self._final = False

    @property
    def values(self) -> dict[str, Any]:
        """A copy in the API's words; unknown fields are missing."""
        return dict(self._values)

    @property
    def final(self) -> bool:
        """Whether a message_delta has given totals; before it, `output_tokens` is provisional."""
        return self._final

    def start(self, usage: object) -> None:
        """Takes the usage of message_start."""
        self._take(usage)

    def update(self, usage: object) -> None:
        """Takes the cumulative usage of a message_delta: each field that is not null overwrites."""
        if isinstance(usage, dict):
            before: int = self._values.get("output_tokens", 0)
            fell = (
                is_count(before) and is_count(usage.get("output_tokens")) and usage["output_tokens"] < before
            )
            if fell and (self._final or before > _PROVISIONAL_OUTPUT):
                self._forget("output_tokens")
            self._take(usage)
            self._final = self._final or usage.get("output_tokens") is not None

    def _take(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        for name in COUNTS:
            value = usage.get(name)
            if value is not None and name not in self._unknown:
                if is_count(value):
                    self._values[name] = value
                else:
                    self._forget(name)
        for name in _BREAKDOWNS:
            value = usage.get(name)
            if isinstance(value, dict):
                self._values[name] = {key: count for key, count in value.items() if is_count(count)}
        for name in _WORDS:
            value = usage.get(name)
            if isinstance(value, str):
                self._values[name] = value[:64]

    def _forget(self, name: str) -> None:
        self._unknown.add(name)
        self._values.pop(name, None)


def clean_usage(usage: object) -> dict[str, Any]:
    """The known fields of a whole usage object, as in a reply that was not streamed."""
    counted = Usage()
    counted.start(usage)
    return counted.values


def cache_writes(usage: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens written to the cache for five minutes and for an hour, None where nobody says it. What the split does not
    call an hour's counts as five minutes' (section 13.2).
    """
    split = usage.get("cache_creation") or {}
    minutes, hour = split.get("ephemeral_5m_input_tokens"), split.get("ephemeral_1h_input_tokens")
    total = usage.get("cache_creation_input_tokens")
    if total is not None:
        hour = None if hour is None else min(hour, total)
        minutes = total - (hour or 0)
    return minutes, hour


def clean_meta(meta: object) -> dict[str, Any]:
    """What a gateway says about cost beside the answer: `{"usage": {"usd_spent", "credits_used"}}` with
    sensible figures only.
    """
    usage = meta.get("usage") if isinstance(meta, dict) else None
    if not isinstance(usage, dict):
        return {}
    figures = {name: usage[name] for name in ("usd_spent", "credits_used") if _is_figure(usage.get(name))}
    return {"usage": figures} if figures else {}


def meta_of(value: dict[str, Any]) -> dict[str, Any] | None:
    """The `meta` of an event, or of the message in it, unchecked."""
    message = value.get("message")
    for holder in (value, message if isinstance(message, dict) else {}):
        if isinstance(meta := holder.get("meta"), dict):
            return meta
    return None


def meta_in_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """What the headers of a whole reply say of its cost, unchecked, in the shape of `meta` (section 2.3)."""
    usage = {}
    for name, header in _COST_HEADERS:
        with contextlib.suppress(KeyError, ValueError):
            usage[name] = float(headers[header])
    return {"usage": usage}


def _is_figure(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= MAX_COUNT  # type: ignore[operator]

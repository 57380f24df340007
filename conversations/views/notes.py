"""The plain sentence under an answer that did not simply end, and what can be done next. Used by the transcript."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from ..actions.continuation import can_continue
from ..models import GenerationStatus, Message, User
from ..upstream.error_bodies import limit_message
from ..upstream.errors import quoted, told_administrator
from ..upstream.silent import says_nothing


@dataclass(frozen=True, slots=True)
class Note:
    """`kind` styles it; `actions` are among continue, retry, settings, new, edit, omit (go on without `omits`)."""

    kind: str
    text: str
    actions: list[str]
    omits: str = ""


_AFTER_ERROR = {
    "auth": ["retry"],
    "model": ["settings", "retry"],
    # A conversation may be too long for the model.
    "invalid": ["edit", "retry", "new"],
    "size": ["edit", "new"],
    "spend": ["retry"],
}
_ENDINGS = {
    "max_tokens": ("limit", "The answer reached its length limit.", ["continue", "settings"]),
    "model_context_window_exceeded": (
        "full",
        "The conversation is as long as this model can read. Start a new one, or continue with what fits.",
        ["new", "continue"],
    ),
    "pause_turn": ("paused", "The answer was paused.", ["continue"]),
    "compaction": (
        "paused",
        "The answer was paused: the conversation before it was summarised.",
        ["continue"],
    ),
    "refusal": (
        "refused",
        "The model declined to answer this. The message is left out of the next request; you can rephrase it.",
        ["edit"],
    ),
    "tool_use": ("tool", "The model asked for a tool that this site does not run.", ["retry"]),
}
_QUIET = {"", "end_turn"}


def note_for(message: Message, viewer: User, omits: str = "") -> Note | None:
    """The note of an ended answer, whose next try can do without `omits`; None when there is nothing to say."""
    if message.role != Message.Role.ASSISTANT:
        return None
    if message.status in (GenerationStatus.FAILED, GenerationStatus.INTERRUPTED):
        return _broken(message, viewer, omits)
    if message.status == GenerationStatus.STOPPED:
        kept = "" if says_nothing(message.content) else " Everything up to here is saved."
        return Note("stopped", f"Stopped.{kept}", _going_on(message))
    if message.status != GenerationStatus.COMPLETED:
        return None
    if message.stop_reason in _ENDINGS:
        kind, text, actions = _ENDINGS[message.stop_reason]
        if not can_continue(message):
            actions = [action for action in actions if action != "continue"] or ["retry"]
        if message.stop_reason == "refusal":
            text = _with_reason(text, message.stop_details)
        return Note(kind, text, actions)
    if says_nothing(message.content):
        return Note("empty", "The model returned nothing.", ["retry"])
    if message.stop_reason == "stop_sequence":
        which = (
            f"the stop sequence “{message.stop_sequence[:80]}”"
            if message.stop_sequence
            else "a stop sequence"
        )
        return Note("sequence", f"Ended at {which}.", [])
    if message.stop_reason not in _QUIET:
        return Note("other", f"The answer ended for another reason: {message.stop_reason}.", [])
    return None


def _with_reason(text: str, details: dict[str, Any] | None) -> str:
    """The sentence about a refusal with the service's own explanation, where there is one (messages-api 8.1)."""
    explanation = (details or {}).get("explanation")
    if not isinstance(explanation, str) or not explanation.strip():
        return text
    what, _, then = text.partition(". ")
    return f"{what}: “{quoted(explanation)}” {then}"


def _broken(message: Message, viewer: User, omits: str) -> Note:
    error: dict[str, Any] = message.error or {}
    text = error.get("message") or "The answer broke off."
    if error.get("type") == "limit" and (retry_at := error.get("retry_at")):
        text = limit_message(retry_at, time.time(), timezone.get_current_timezone())
    is_half = message.status == GenerationStatus.INTERRUPTED
    # Some errors say it themselves.
    if is_half and "saved" not in text and not says_nothing(message.content):
        text += " Everything up to here is saved."
    if viewer.is_staff:
        said = error.get("detail") or ""
        quoted = f"The provider said: {said}" if said not in text else ""
        text = f"{told_administrator(text, error.get('admin_message') or '')} {quoted}".rstrip()
    if is_half:
        return Note(error.get("type", "interrupted"), text, _going_on(message))
    actions = _AFTER_ERROR.get(error.get("type", ""), ["retry"])
    if omits:
        actions = ["omit", *actions]
    return Note(error.get("type", "failed"), text, actions, omits)


def _going_on(message: Message) -> list[str]:
    return ["continue", "retry"] if can_continue(message) else ["retry"]

"""Which model answers and with which parameters: what a person may choose, checked."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from ..models import Conversation, LanguageModel, User, Workspace
from ..upstream.model_table import LEAST_BUDGET
from .errors import Invalid, Unavailable
from .text import storable

THINKING = ("", "off", "on")
EFFORTS = ("", "low", "medium", "high", "xhigh", "max")


def model_for(user: User, conversation: Conversation | None, model: str) -> LanguageModel:
    """The named model, else the conversation's, else the workspace's default, else the first in the picker.

    `model` is an API model id or the id of a LanguageModel row. Raises Invalid when this person may not use
    it, Unavailable when there is none at all.
    """
    usable = LanguageModel.objects.usable_by(user)
    if model:
        for candidate in usable:
            if model in (candidate.model_id, str(candidate.pk)):
                return candidate
        raise Invalid("This model is not available to you. Choose another one.")
    by_id = {candidate.pk: candidate for candidate in usable}
    if conversation is not None:
        for id in LanguageModel.objects.succession(conversation.language_model_id):
            if id in by_id:
                return by_id[id]
    if not usable:
        raise Unavailable("No model is set up yet. An administrator can add one.")
    if len(usable) == 1:
        return usable[0]
    default = Workspace.objects.current().default_model_id
    return by_id[default] if default in by_id else usable[0]


def parameters_for(raw: dict[str, Any]) -> dict[str, Any]:
    """The request parameters among `raw`, checked; empty values are left out, so that a model's defaults hold.

    Keys: system, max_tokens, stop_sequences (list or one per line), temperature, top_p, top_k, thinking
    ("off" | "on"), budget_tokens, effort. Raises Invalid with the sentence to show.
    """
    parameters: dict[str, Any] = {}
    system = _text(raw, "system").strip()
    if len(system) > settings.SYSTEM_MAX_CHARACTERS:
        raise Invalid(
            f"The system prompt has {len(system):,} characters; the limit is {settings.SYSTEM_MAX_CHARACTERS:,}."
        )
    if system:
        parameters["system"] = system
    for name, low, high in (
        ("max_tokens", 1, 1_000_000),
        ("top_k", 0, 10_000),
        ("budget_tokens", LEAST_BUDGET, 1_000_000),
    ):
        if (whole := _number(raw, name, low, high)) is not None:
            if not whole.is_integer():
                raise Invalid(f"{name} must be a whole number.")
            parameters[name] = int(whole)
    for name in ("temperature", "top_p"):
        if (fraction := _number(raw, name, 0, 1)) is not None:
            parameters[name] = fraction
    sequences = raw.get("stop_sequences")
    if not isinstance(sequences, list):
        sequences = _text(raw, "stop_sequences").splitlines()
    elif not all(isinstance(sequence, str) for sequence in sequences):
        raise Invalid("stop_sequences must be a list of texts.")
    kept = [storable(sequence) for sequence in sequences if sequence.strip()]
    if len(kept) > settings.STOP_SEQUENCES:
        raise Invalid(f"These are {len(kept)} stop sequences; the limit is {settings.STOP_SEQUENCES}.")
    if kept:
        parameters["stop_sequences"] = kept
    for name, allowed in (("thinking", THINKING), ("effort", EFFORTS)):
        value = _text(raw, name)
        if value not in allowed:
            raise Invalid(f"{name} cannot be {value[:40]!r}.")
        if value:
            parameters[name] = value
    return parameters


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.")
    return storable(value)


def _number(raw: dict[str, Any], name: str, low: float, high: float) -> float | None:
    value = raw.get(name)
    if value in (None, ""):
        return None
    try:
        number = float(str(value))
    except ValueError:
        raise Invalid(f"{name} must be a number.") from None
    if not low <= number <= high:
        raise Invalid(f"{name} must be between {low:,} and {high:,}.")
    return number

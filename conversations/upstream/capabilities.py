"""Model id → capabilities, as free text as people write ids (messages-api section 14); for requests, the
picker and the composer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_type_hints

import msgspec

from .dialects import DIALECTS
from .model_table import ADAPTIVE, DISABLED, ENABLED, MODELS, Capabilities

DEFAULT_MAX_TOKENS = 16_384
_DATE = re.compile(r"-\d{8}$")
_DOT = re.compile(r"(?<=\d)\.(?=\d)")
_UNKNOWN = Capabilities(
    id="",
    display_name="",
    context=200_000,
    max_output=DEFAULT_MAX_TOKENS,
    documents=False,
    forced_tool_choice=False,
    known=False,
)
_DEMO = replace(
    _UNKNOWN, id="demo", display_name="Demo", documents=True, known=True,
    thinking=(ENABLED, ADAPTIVE, DISABLED), thinking_default="off",
)  # fmt: skip
# What an administrator may say otherwise of a model, and in which form.
OVERRIDABLE = {
    name: kind for name, kind in get_type_hints(Capabilities).items() if name not in ("id", "prices", "known")
}


@lru_cache(maxsize=512)
def lookup(model_id: str, dialect: str = "anthropic") -> Capabilities:
    """What the model can do behind this dialect; a careful profile for ids that nobody knows."""
    row = MODELS.get(normalise_model_id(model_id))
    if row is None:
        row = replace(_UNKNOWN, id=model_id, display_name=model_id, sampling=DIALECTS[dialect].runs_any_model)
        row = _DEMO if dialect == "demo" else row
    return _behind(row, dialect)


def as_listed(known: Capabilities, listed: dict[str, Any], dialect: str) -> Capabilities:
    """`known` with what the provider's own list says beyond it (`listed.capabilities_in`), as far as the dialect takes
    it.
    """
    if not listed:
        return known
    is_known = known.known or "max_output" in listed
    return _behind(replace(known, **as_fields(listed), known=is_known), dialect)


def as_fields(given: dict[str, Any]) -> dict[str, Any]:
    """The capabilities among stored JSON, where a tuple is a list."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if name in OVERRIDABLE
    }


def _behind(row: Capabilities, dialect: str) -> Capabilities:
    service = DIALECTS[dialect]
    return replace(
        row,
        documents=row.documents and service.takes_documents,
        thinking=tuple(kind for kind in row.thinking if kind in service.thinking),
        efforts=row.efforts if service.takes_effort else (),
    )


def check_overrides(raw: Any) -> None:
    """Raises ValueError with a sentence for what `LanguageModel.capabilities` cannot hold."""
    if not isinstance(raw, dict):
        raise ValueError('Overrides are an object such as {"context": 32000}.')
    for name, value in raw.items():
        try:
            msgspec.convert(value, OVERRIDABLE.get(name, Any))
        except msgspec.ValidationError:
            raise ValueError(f"“{name}” cannot be that.") from None
        if name in ("context", "max_output") and value < 1:
            raise ValueError(f"“{name}” must be at least 1.")


def normalise_model_id(model_id: str) -> str:
    """The id as the table has it: without vendor prefix, date, `-latest`, `-fast`; `4.5` written `4-5`."""
    name = model_id.strip().lower().removeprefix("anthropic/")
    name = _DOT.sub("-", name)
    name = _DATE.sub("", name.removesuffix("-fast").removesuffix("-latest"))
    return name.removesuffix("-fast")

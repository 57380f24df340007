"""What the native list of models says that a model can do, in the words of `Capabilities` (messages-api section 15.2).
Used by `model_list`; older servers and gateways say nothing of it.
"""

from __future__ import annotations

from typing import Any

from .model_table import ADAPTIVE, ALL_EFFORTS, BETWEEN_TOOLS, DISABLED, ENABLED
from .usage import is_count

_TOKENS = {"context": "max_input_tokens", "max_output": "max_tokens"}
_READS = {"images": "image_input", "documents": "pdf_input"}
_THINKING = (ADAPTIVE, ENABLED, DISABLED, BETWEEN_TOOLS)


def capabilities_in(row: dict[str, Any]) -> dict[str, Any]:
    """What one row of the list says, as JSON can hold it; what is left unsaid, or said in another form, is missing.
    Nothing of a row in another shape than the native one, where the same names may mean something else.
    """
    if row.get("type") != "model":
        return {}
    said = _object(row, "capabilities")
    result: dict[str, Any] = {}
    for name, field in _TOKENS.items():
        if is_count(tokens := row.get(field)) and tokens > 0:
            result[name] = tokens
    for name, field in _READS.items():
        if (supported := _supported(said, field)) is not None:
            result[name] = supported
    types = _object(_object(said, "thinking"), "types")
    for name, field, choices, each in (
        ("efforts", "effort", ALL_EFFORTS, _object(said, "effort")),
        ("thinking", "thinking", _THINKING, types),
    ):
        chosen = [choice for choice in choices if _supported(each, choice)]
        if chosen or _supported(said, field) is False:
            result[name] = chosen
    return result


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _supported(value: dict[str, Any], name: str) -> bool | None:
    supported = _object(value, name).get("supported")
    return supported if isinstance(supported, bool) else None

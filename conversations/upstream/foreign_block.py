"""A content block as an upstream sent it, made safe to look things up by. Used by `decoder` and `reply`."""

from __future__ import annotations

from typing import Any

# Blocks refer to each other, and are called, by these.
_NAMES = ("id", "tool_use_id", "name")


def checked(block: dict[str, Any]) -> dict[str, Any]:
    """The block without ids and names that are no text, and without a source that points into our own storage: that
    form is ours (`attachments.sending`), an upstream that uses it means somebody's file.
    """
    kept = {name: value for name, value in block.items() if name not in _NAMES or isinstance(value, str)}
    source = kept.get("source")
    if isinstance(source, dict) and source.get("type") == "attachment":
        del kept["source"]
    return kept

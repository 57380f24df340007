"""Which blocks of an answer a server takes back that may not have made them (messages-api sections 4.1, 18). Used by
`generation.history`.
"""

from __future__ import annotations

from typing import Any

from .dialects import DIALECTS

_OF_SERVICE = frozenset({"server_tool_use", "mcp_tool_use", "compaction", "fallback", "container_upload"})


def portable(block: dict[str, Any], dialect: str) -> dict[str, Any] | None:
    """The block as servers of this dialect take it; None where it is nothing to them. Who knows neither citations nor
    tools that run at the service may refuse a request that holds them.
    """
    if DIALECTS[dialect].knows_service_blocks:
        return block
    kind = str(block.get("type"))
    if kind in _OF_SERVICE or kind.endswith("_tool_result"):
        return None
    return {name: value for name, value in block.items() if name != "citations"} if kind == "text" else block

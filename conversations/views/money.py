"""Micro-dollars and tokens as people read them. Used by the chat pages, usage and budgets."""

from __future__ import annotations

from typing import Any

UNKNOWN = "—"


def dollars(microdollars: int | None) -> str:
    """`41_000` → `$0.041`; two digits from a dollar on, at least two significant ones below; unknown is a dash."""
    if microdollars is None:
        return UNKNOWN
    amount = microdollars / 1_000_000
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    if amount >= 0.01:
        return f"${amount:.3f}"
    return f"${amount:.4f}" if amount >= 0.0001 else "<$0.0001"


def tokens(usage: dict[str, Any] | None) -> dict[str, int] | None:
    """The figures under an answer: input (cached parts included), output, cache_read, cache_share (percent), total."""
    if not usage:
        return None
    read = usage.get("cache_read_input_tokens") or 0
    prompt = (usage.get("input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0) + read
    output = usage.get("output_tokens") or 0
    share = round(100 * read / prompt) if prompt else 0
    return {
        "input": prompt,
        "output": output,
        "cache_read": read,
        "cache_share": share,
        "total": prompt + output,
    }

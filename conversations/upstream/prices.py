"""List prices as dated data (messages-api section 13.3); the model table holds them, pricing and the admin
read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

AS_OF = "2026-11-16"


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens. Above `long_prompt_tokens` of prompt (cached tokens counted)
    `long_prompt` holds for all.
    """

    input: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal
    output: Decimal
    as_of: str = AS_OF
    long_prompt_tokens: int = 0
    long_prompt: Prices | None = None


def prices(
    input: str,
    output: str,
    cache_read: str,
    *,
    long_prompt_tokens: int = 0,
    long_prompt: Prices | None = None,
) -> Prices:
    """Prices with the usual multiples for cache writes: 1.25 for five minutes, 2 for an hour (section 12)."""
    base = Decimal(input)
    return Prices(
        base,
        base * Decimal("1.25"),
        base * 2,
        Decimal(cache_read),
        Decimal(output),
        long_prompt_tokens=long_prompt_tokens,
        long_prompt=long_prompt,
    )

"""What an answer cost, in micro-dollars, or None where nobody can say (messages-api section 13.2); for the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .capabilities import lookup
from .dialects import DIALECTS
from .prices import Prices
from .usage import cache_writes, is_count

_CREDIT_IN_MICRODOLLARS = Decimal("0.5")
_WEB_SEARCH_IN_MICRODOLLARS = 10_000


def cost_microdollars(
    usage: Mapping[str, Any],
    meta: Mapping[str, Any] | None,
    model: str,
    dialect: str,
    *,
    prices: Prices | None = None,
) -> int | None:
    """The cost of one call. What the gateway says goes before `prices` (an administrator's), those before the
    list, which says nothing of gateways; None is unknown. `dialect` is "" for a model that is no longer here.
    """
    if dialect == "demo":
        return 0
    said = (meta or {}).get("usage") or {}
    if "usd_spent" in said:
        return _whole(Decimal(str(said["usd_spent"])) * 1_000_000)
    if "credits_used" in said:
        return _whole(Decimal(str(said["credits_used"])) * _CREDIT_IN_MICRODOLLARS)
    if prices is None and dialect and DIALECTS[dialect].has_list_prices:
        prices = lookup(model).prices
    if prices is None or not is_count(usage.get("input_tokens")) or not is_count(usage.get("output_tokens")):
        return None
    return _from_prices(usage, prices)


def _from_prices(usage: Mapping[str, Any], prices: Prices) -> int:
    input_tokens = usage["input_tokens"]
    read = usage.get("cache_read_input_tokens") or 0
    written_5m, written_1h = (tokens or 0 for tokens in cache_writes(usage))
    prompt = input_tokens + written_5m + written_1h + read
    if prices.long_prompt is not None and prompt > prices.long_prompt_tokens:
        prices = prices.long_prompt
    cost = (
        input_tokens * prices.input
        + written_5m * prices.cache_write_5m
        + written_1h * prices.cache_write_1h
        + read * prices.cache_read
        + usage["output_tokens"] * prices.output
    )
    if usage.get("service_tier") == "batch":
        cost /= 2
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests") or 0
    return _whole(cost + searches * _WEB_SEARCH_IN_MICRODOLLARS)


def _whole(microdollars: Decimal) -> int:
    return int(microdollars.quantize(Decimal(1), ROUND_HALF_UP))

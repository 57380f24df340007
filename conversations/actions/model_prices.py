"""What a model costs: an administrator's dated prices before the built-in list. Used by the ledger, budgets and the
page of a model.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ..models import LanguageModel, Provider
from ..upstream.capabilities import lookup
from ..upstream.dialects import DIALECTS
from ..upstream.endpoint import service_at
from ..upstream.prices import Prices

_FIELDS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_HIGHEST = 100_000
_GATEWAYS = frozenset({Provider.Dialect.AIMLAPI, Provider.Dialect.ROCKAPI})
# Gateways add a margin to the list prices (messages-api 13.2: 1.30 was seen); until they say what a call cost, this.
_GATEWAY_FACTOR = 2


def entered_prices(language_model: LanguageModel | None, on: date) -> Prices | None:
    """The administrator's prices that hold on this day; None without any, or where they cannot be read."""
    if language_model is None or not language_model.prices:
        return None
    try:
        dated = read_prices(language_model.prices)
    except ValueError:
        return None
    holding = [prices for start, prices in dated if start <= on]
    return holding[-1] if holding else None


def listed_prices(language_model: LanguageModel) -> Prices | None:
    """Those of the built-in list where it says what the model costs; None of a gateway, which has prices of its own."""
    if not DIALECTS[dialect_of_prices(language_model.provider)].has_list_prices:
        return None
    return lookup(language_model.model_id).prices


def dialect_of_prices(provider: Provider) -> str:
    """The dialect whose prices hold: behind Chat Completions there may be a gateway that has its own."""
    gateway = service_at(provider.base_url)
    is_chat = provider.dialect == Provider.Dialect.OPENAI_CHAT
    return gateway if is_chat and gateway in _GATEWAYS else provider.dialect


def worst_prices(language_model: LanguageModel, on: date) -> Prices | None:
    """Prices that a call will hardly exceed; None when nobody knows them. The demo costs nothing."""
    dialect = language_model.provider.dialect
    if dialect == Provider.Dialect.DEMO:
        return Prices(Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(0))
    if entered := entered_prices(language_model, on):
        return entered
    listed = lookup(language_model.model_id).prices
    if listed is None or dialect == Provider.Dialect.ANTHROPIC:
        return listed
    return _times(listed, _GATEWAY_FACTOR)


def read_prices(raw: Any) -> list[tuple[date, Prices]]:
    """`LanguageModel.prices` as prices with the day they hold from, oldest first. Raises ValueError with a sentence.

    One object or a list of them: `input` and `output` in US dollars per million tokens; `cache_read`,
    `cache_write_5m`, `cache_write_1h` default to 0.1, 1.25 and 2 times the input (messages-api 12); `from` is a day.
    """
    given = raw if isinstance(raw, list) else [raw] if raw else []
    return sorted((_one(value) for value in given), key=lambda pair: pair[0])


def _one(raw: Any) -> tuple[date, Prices]:
    if not isinstance(raw, dict):
        raise ValueError('Prices are an object such as {"input": 5, "output": 25}, or a list of these.')
    if unknown := set(raw) - {*_FIELDS, "from"}:
        raise ValueError(f"“{sorted(unknown)[0]}” is not a price. Known are {', '.join(_FIELDS)} and from.")
    if "input" not in raw or "output" not in raw:
        raise ValueError("Prices need input and output.")
    figures = {name: _figure(name, raw[name]) for name in _FIELDS if name in raw}
    base = figures["input"]
    try:
        start = date.fromisoformat(str(raw["from"])) if raw.get("from") else date.min
    except ValueError:
        raise ValueError("“from” must be a day such as 2026-11-01.") from None
    return start, Prices(
        input=base,
        cache_write_5m=figures.get("cache_write_5m", base * Decimal("1.25")),
        cache_write_1h=figures.get("cache_write_1h", base * 2),
        cache_read=figures.get("cache_read", base / 10),
        output=figures["output"],
        as_of="" if start == date.min else start.isoformat(),
    )


def _figure(name: str, value: Any) -> Decimal:
    try:
        figure = Decimal(str(value))
    except InvalidOperation:
        figure = Decimal("NaN")
    if isinstance(value, bool) or not figure.is_finite() or not 0 <= figure <= _HIGHEST:
        raise ValueError(f"{name} must be a number of US dollars per million tokens.")
    return figure


def _times(prices: Prices, factor: int) -> Prices:
    return Prices(
        prices.input * factor,
        prices.cache_write_5m * factor,
        prices.cache_write_1h * factor,
        prices.cache_read * factor,
        prices.output * factor,
        long_prompt_tokens=prices.long_prompt_tokens,
        long_prompt=_times(prices.long_prompt, factor) if prices.long_prompt else None,
    )

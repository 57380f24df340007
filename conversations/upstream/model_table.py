"""What each Claude model can do and costs, as data (messages-api sections 12, 13.3 and 14). Add a row here
for a new model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from .prices import Prices, prices

ADAPTIVE, ENABLED, DISABLED, BETWEEN_TOOLS = "adaptive", "enabled", "disabled", "between_tools"
LOW_TO_HIGH = ("low", "medium", "high")
LOW_TO_MAX = (*LOW_TO_HIGH, "max")
ALL_EFFORTS = (*LOW_TO_HIGH, "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One row of the table. `context` and `max_output` in tokens; `thinking` lists the accepted
    `thinking.type` values and `thinking_default` says what happens without the field: always, on, off, or ""
    (no thinking).
    """

    id: str
    display_name: str
    context: int
    max_output: int
    thinking: tuple[str, ...] = ()
    thinking_default: str = ""
    disabled_up_to_high_effort: bool = False
    efforts: tuple[str, ...] = ()
    effort_default: str = ""
    prefill: bool = False
    sampling: bool = False
    one_sampling_field: bool = True
    forced_tool_choice: bool = True
    images: bool = True
    documents: bool = True
    high_resolution: bool = False
    cache_minimum: int = 0
    prices: Prices | None = None
    retired: str = ""
    known: bool = True


_NEWEST = Capabilities(
    id="", display_name="", context=1_000_000, max_output=128_000, thinking=(ADAPTIVE,), thinking_default="always",
    efforts=ALL_EFFORTS, effort_default="high", forced_tool_choice=False, high_resolution=True, cache_minimum=512,
)  # fmt: skip
_FIVE = replace(_NEWEST, thinking=(ADAPTIVE, DISABLED), thinking_default="on", forced_tool_choice=True)
_FOUR_SEVEN = replace(_FIVE, thinking_default="off")
_FOUR_SIX = replace(
    _FOUR_SEVEN, thinking=(ADAPTIVE, ENABLED, DISABLED), efforts=LOW_TO_MAX, sampling=True, high_resolution=False
)  # fmt: skip
_FOUR_FIVE = Capabilities(
    id="", display_name="", context=200_000, max_output=64_000, thinking=(ENABLED, DISABLED), thinking_default="off",
    prefill=True, sampling=True, cache_minimum=1024,
)  # fmt: skip
_THREE = Capabilities(
    id="", display_name="", context=200_000, max_output=8_192, prefill=True, sampling=True, one_sampling_field=False,
    cache_minimum=2048,
)  # fmt: skip

_FABLE_5_2 = prices("8", "40", "0.20")
_FABLE_5_1 = prices("10", "50", "0.25")
_FABLE_5 = prices("10", "50", "1")
_OPUS = prices("5", "25", "0.50")
_OLD_OPUS = prices("15", "75", "1.50")
_SONNET = prices("3", "15", "0.30")
_HAIKU_3 = Prices(Decimal("0.25"), Decimal("0.30"), Decimal("0.50"), Decimal("0.03"), Decimal("1.25"))
_HAIKU_5_5 = prices(
    "0.10", "0.50", "0.01", long_prompt_tokens=100_000, long_prompt=prices("0.50", "2.50", "0.05")
)


def _rows() -> Iterator[Capabilities]:
    for family, name in (("fable", "Fable"), ("mythos", "Mythos")):
        yield replace(
            _NEWEST, id=f"claude-{family}-5-2", display_name=f"Claude {name} 5.2", prices=_FABLE_5_2
        )
        yield replace(
            _NEWEST, id=f"claude-{family}-5-1", display_name=f"Claude {name} 5.1", prices=_FABLE_5_1
        )
        yield replace(
            _NEWEST,
            id=f"claude-{family}-5",
            display_name=f"Claude {name} 5",
            prices=_FABLE_5,
            forced_tool_choice=True,
        )
    yield replace(
        _NEWEST, id="claude-mythos-preview", display_name="Claude Mythos Preview", thinking=(ADAPTIVE, ENABLED), thinking_default="on",
        efforts=LOW_TO_MAX, cache_minimum=2048, retired="2026-06-30",
    )  # fmt: skip
    yield replace(
        _NEWEST,
        id="claude-opus-5-5",
        display_name="Claude Opus 5.5",
        effort_default="medium",
        prices=prices("4", "20", "0.20"),
    )
    yield replace(
        _FIVE, id="claude-opus-5", display_name="Claude Opus 5", disabled_up_to_high_effort=True, prices=_OPUS
    )
    yield replace(
        _FOUR_SEVEN, id="claude-opus-4-8", display_name="Claude Opus 4.8", cache_minimum=1024, prices=_OPUS
    )
    yield replace(
        _FOUR_SEVEN, id="claude-opus-4-7", display_name="Claude Opus 4.7", cache_minimum=2048, prices=_OPUS
    )
    yield replace(
        _NEWEST, id="claude-sonnet-5-5", display_name="Claude Sonnet 5.5", thinking=(ADAPTIVE, BETWEEN_TOOLS), thinking_default="on",
        prices=prices("2", "10", "0.10"),
    )  # fmt: skip
    yield replace(
        _FIVE,
        id="claude-sonnet-5",
        display_name="Claude Sonnet 5",
        cache_minimum=1024,
        prices=prices("2", "10", "0.20"),
    )
    yield replace(
        _FIVE, id="claude-haiku-5-5", display_name="Claude Haiku 5.5", disabled_up_to_high_effort=True, effort_default="medium",
        prices=_HAIKU_5_5,
    )  # fmt: skip
    yield replace(
        _FOUR_SIX, id="claude-opus-4-6", display_name="Claude Opus 4.6", cache_minimum=4096, prices=_OPUS
    )
    yield replace(
        _FOUR_SIX,
        id="claude-sonnet-4-6",
        display_name="Claude Sonnet 4.6",
        cache_minimum=1024,
        prices=_SONNET,
    )
    yield replace(
        _FOUR_FIVE, id="claude-opus-4-5", display_name="Claude Opus 4.5", efforts=LOW_TO_HIGH, effort_default="high",
        cache_minimum=4096, prices=_OPUS,
    )  # fmt: skip
    yield replace(_FOUR_FIVE, id="claude-sonnet-4-5", display_name="Claude Sonnet 4.5", prices=_SONNET)
    yield replace(
        _FOUR_FIVE,
        id="claude-haiku-4-5",
        display_name="Claude Haiku 4.5",
        cache_minimum=4096,
        prices=prices("1", "5", "0.10"),
    )
    for number, name, retired in (("4-1", "4.1", "2026-08-05"), ("4", "4", "2026-06-15")):
        yield replace(
            _FOUR_FIVE, id=f"claude-opus-{number}", display_name=f"Claude Opus {name}", max_output=32_000, prices=_OLD_OPUS,
            retired=retired,
        )  # fmt: skip
    yield replace(
        _FOUR_FIVE, id="claude-sonnet-4", display_name="Claude Sonnet 4", prices=_SONNET, retired="2026-06-15"
    )
    yield replace(
        _FOUR_FIVE, id="claude-3-7-sonnet", display_name="Claude Sonnet 3.7", one_sampling_field=False, prices=_SONNET,
        retired="2026-02-19",
    )  # fmt: skip
    retired = replace(_THREE, retired="retired")
    yield replace(retired, id="claude-3-5-sonnet", display_name="Claude Sonnet 3.5")
    yield replace(
        retired, id="claude-3-5-haiku", display_name="Claude Haiku 3.5", prices=prices("0.80", "4", "0.08")
    )
    early = replace(retired, max_output=4_096)
    yield replace(early, id="claude-3-opus", display_name="Claude Opus 3", prices=_OLD_OPUS)
    yield replace(early, id="claude-3-sonnet", display_name="Claude Sonnet 3")
    yield replace(early, id="claude-3-haiku", display_name="Claude Haiku 3", prices=_HAIKU_3)


MODELS = {row.id: row for row in _rows()}

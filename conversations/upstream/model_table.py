"""What each Claude model can do and costs, as data (messages-api sections 12, 13.3 and 14). Add a row here
for a new model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from .prices import Prices, prices

ADAPTIVE, ENABLED, DISABLED, BETWEEN_TOOLS = "adaptive", "enabled", "disabled", "between_tools"
# Tokens: a smaller thinking budget is refused.
LEAST_BUDGET = 1024
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
    id="",
    display_name="",
    context=1_000_000,
    max_output=128_000,
    thinking=(ADAPTIVE,),
    thinking_default="always",
    efforts=ALL_EFFORTS,
    effort_default="high",
    forced_tool_choice=False,
    high_resolution=True,
)
_FIVE = replace(_NEWEST, thinking=(ADAPTIVE, DISABLED), thinking_default="on", forced_tool_choice=True)
_FOUR_SEVEN = replace(_FIVE, thinking_default="off")
_FOUR_SIX = replace(
    _FOUR_SEVEN,
    thinking=(ADAPTIVE, ENABLED, DISABLED),
    efforts=LOW_TO_MAX,
    sampling=True,
    high_resolution=False,
)
_FOUR_FIVE = Capabilities(
    id="",
    display_name="",
    context=200_000,
    max_output=64_000,
    thinking=(ENABLED, DISABLED),
    thinking_default="off",
    prefill=True,
    sampling=True,
)
_THREE = replace(
    _FOUR_FIVE,
    max_output=8_192,
    thinking=(),
    thinking_default="",
    one_sampling_field=False,
    retired="retired",
)

_FABLE_5_2 = prices("8", "40", "0.20")
_FABLE_5_1 = prices("10", "50", "0.25")
_FABLE_5 = prices("10", "50", "1")
_OPUS_5_5 = prices("4", "20", "0.20")
_OPUS = prices("5", "25", "0.50")
_OLD_OPUS = prices("15", "75", "1.50")
_SONNET_5_5 = prices("2", "10", "0.10")
_SONNET_5 = prices("2", "10", "0.20")
_SONNET = prices("3", "15", "0.30")
_HAIKU_5_5_LONG = prices("0.50", "2.50", "0.05")
_HAIKU_5_5 = prices("0.10", "0.50", "0.01", long_prompt_tokens=100_000, long_prompt=_HAIKU_5_5_LONG)
_HAIKU_4_5 = prices("1", "5", "0.10")
_HAIKU_3_5 = prices("0.80", "4", "0.08")
_HAIKU_3 = replace(prices("0.25", "1.25", "0.03"), cache_write_5m=Decimal("0.30"))

_UP_TO_HIGH: dict[str, Any] = {"disabled_up_to_high_effort": True}
_MEDIUM: dict[str, Any] = {"effort_default": "medium"}
_OPUS_4: dict[str, Any] = {"max_output": 32_000}

# Profile, name as people say it (the id follows from it), prices, least cacheable tokens (0: nobody knows),
# and what differs from the profile.
_ROWS: tuple[tuple[Capabilities, str, Prices | None, int, dict[str, Any]], ...] = (
    (_NEWEST, "Fable 5.2", _FABLE_5_2, 0, {}),
    (_NEWEST, "Mythos 5.2", _FABLE_5_2, 0, {}),
    (_NEWEST, "Fable 5.1", _FABLE_5_1, 512, {}),
    (_NEWEST, "Mythos 5.1", _FABLE_5_1, 512, {}),
    (_NEWEST, "Fable 5", _FABLE_5, 512, {"forced_tool_choice": True}),
    (_NEWEST, "Mythos 5", _FABLE_5, 512, {"forced_tool_choice": True}),
    (_NEWEST, "Opus 5.5", _OPUS_5_5, 512, _MEDIUM),
    (_FIVE, "Opus 5", _OPUS, 512, _UP_TO_HIGH),
    (_FOUR_SEVEN, "Opus 4.8", _OPUS, 1024, {}),
    (_FOUR_SEVEN, "Opus 4.7", _OPUS, 2048, {}),
    (
        _NEWEST,
        "Sonnet 5.5",
        _SONNET_5_5,
        512,
        {"thinking": (ADAPTIVE, BETWEEN_TOOLS), "thinking_default": "on"},
    ),
    (_FIVE, "Sonnet 5", _SONNET_5, 1024, {}),
    (_FIVE, "Haiku 5.5", _HAIKU_5_5, 0, _UP_TO_HIGH | _MEDIUM),
    (
        _NEWEST,
        "Mythos Preview",
        None,
        2048,
        {
            "thinking": (ADAPTIVE, ENABLED),
            "thinking_default": "on",
            "efforts": LOW_TO_MAX,
            "retired": "2026-06-30",
        },
    ),
    (_FOUR_SIX, "Opus 4.6", _OPUS, 4096, {}),
    (_FOUR_SIX, "Sonnet 4.6", _SONNET, 1024, {}),
    (_FOUR_FIVE, "Opus 4.5", _OPUS, 4096, {"efforts": LOW_TO_HIGH, "effort_default": "high"}),
    (_FOUR_FIVE, "Sonnet 4.5", _SONNET, 1024, {}),
    (_FOUR_FIVE, "Haiku 4.5", _HAIKU_4_5, 4096, {}),
    (_FOUR_FIVE, "Opus 4.1", _OLD_OPUS, 1024, _OPUS_4 | {"retired": "2026-08-05"}),
    (_FOUR_FIVE, "Opus 4", _OLD_OPUS, 1024, _OPUS_4 | {"retired": "2026-06-15"}),
    (_FOUR_FIVE, "Sonnet 4", _SONNET, 1024, {"retired": "2026-06-15"}),
    (_FOUR_FIVE, "Sonnet 3.7", _SONNET, 1024, {"one_sampling_field": False, "retired": "2026-02-19"}),
    (_THREE, "Sonnet 3.5", None, 1024, {}),
    (_THREE, "Haiku 3.5", _HAIKU_3_5, 2048, {}),
    (_THREE, "Opus 3", _OLD_OPUS, 0, {"max_output": 4_096}),
    (_THREE, "Sonnet 3", None, 0, {"max_output": 4_096}),
    (_THREE, "Haiku 3", _HAIKU_3, 2048, {"max_output": 4_096}),
)


def _id(name: str) -> str:
    """`Opus 4.5` → `claude-opus-4-5`; up to 3.7 the number came first."""
    family, number = name.lower().replace(".", "-").split()
    return f"claude-{number}-{family}" if number.startswith("3") else f"claude-{family}-{number}"


MODELS = {
    _id(name): replace(
        profile,
        id=_id(name),
        display_name=f"Claude {name}",
        prices=listed,
        cache_minimum=minimum,
        **differences,
    )
    for profile, name, listed, minimum, differences in _ROWS
}

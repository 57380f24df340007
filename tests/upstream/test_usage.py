"""Usage figures: overwritten, never added; nonsense is unknown, never zero (promises S11)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.upstream.usage import Usage, cache_writes, clean_meta, clean_usage


def merged(start: Any, *updates: Any) -> dict[str, Any]:
    usage = Usage()
    usage.start(start)
    for update in updates:
        usage.update(update)
    return usage.values


def test_later_figures_overwrite_and_nulls_do_not() -> None:
    start = {
        "input_tokens": 25,
        "output_tokens": 1,
        "cache_read_input_tokens": None,
        "cache_creation": {"ephemeral_5m_input_tokens": 4},
    }
    assert merged(start, {"output_tokens": 10, "input_tokens": None}, {"output_tokens": 12}) == {
        "input_tokens": 25,
        "output_tokens": 12,
        "cache_creation": {"ephemeral_5m_input_tokens": 4},
    }


def test_input_tokens_may_come_late() -> None:
    assert (
        merged({"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 25, "output_tokens": 3})[
            "input_tokens"
        ]
        == 25
    )


@pytest.mark.parametrize("nonsense", [-1, "12", 10**12, 1.5, True, [], {}, float("nan")])
def test_nonsense_is_unknown_for_good(nonsense: Any) -> None:
    assert "output_tokens" not in merged({"output_tokens": 1}, {"output_tokens": nonsense})
    assert "output_tokens" not in merged({"output_tokens": nonsense}, {"output_tokens": 5})
    assert "output_tokens" not in clean_usage({"output_tokens": nonsense})


def test_totals_that_fall_are_unknown() -> None:
    assert "output_tokens" not in merged({"output_tokens": 1}, {"output_tokens": 50}, {"output_tokens": 40})
    assert "output_tokens" not in merged({"output_tokens": 50}, {"output_tokens": 10})
    assert (
        merged({"output_tokens": 8}, {"output_tokens": 4})["output_tokens"] == 4
    )  # the start's figure is provisional


@pytest.mark.parametrize("usage", [None, [], "x", 7])
def test_no_usage_is_no_figures(usage: Any) -> None:
    assert merged(usage, usage) == {}


def test_breakdowns_and_words_are_checked() -> None:
    usage = {
        "server_tool_use": {"web_search_requests": 2, "x": -1},
        "output_tokens_details": [],
        "service_tier": "batch",
        "speed": 3,
    }
    assert clean_usage(usage) == {"server_tool_use": {"web_search_requests": 2}, "service_tier": "batch"}


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        (
            {"usage": {"usd_spent": 0.000788, "credits_used": 1576}},
            {"usage": {"usd_spent": 0.000788, "credits_used": 1576}},
        ),
        ({"usage": {"usd_spent": -1, "credits_used": "7"}}, {}),
        ({"usage": {"usd_spent": float("inf")}}, {}),
        ({"usage": None}, {}),
        (None, {}),
    ],
)
def test_meta_keeps_sensible_cost_figures_only(meta: Any, expected: Any) -> None:
    assert clean_meta(meta) == expected


@pytest.mark.parametrize(
    ("total", "split", "expected"),
    [
        (None, {}, (None, None)),
        (300, {}, (300, None)),
        (300, {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, (100, 200)),
        (300, {"ephemeral_1h_input_tokens": 200}, (100, 200)),
        (300, {"ephemeral_5m_input_tokens": 100}, (300, None)),
        (300, {"ephemeral_1h_input_tokens": 900}, (0, 300)),
        (None, {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, (100, 200)),
    ],
)
def test_cache_writes_are_counted_once(
    total: int | None, split: dict[str, int], expected: tuple[int | None, int | None]
) -> None:
    assert cache_writes({"cache_creation_input_tokens": total, "cache_creation": split}) == expected

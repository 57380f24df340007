"""The model table and what answers cost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from conversations.upstream.capabilities import as_listed, lookup
from conversations.upstream.listed import capabilities_in
from conversations.upstream.model_table import MODELS
from conversations.upstream.prices import prices
from conversations.upstream.pricing import cost_microdollars


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("anthropic/claude-opus-4.8-fast", "claude-opus-4-8"),
        ("anthropic/claude-sonnet-4-6-20260218", "claude-sonnet-4-6"),
        ("anthropic/claude-opus-4.1-20250805", "claude-opus-4-1"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-opus-4-latest", "claude-opus-4"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("claude-3-7-sonnet-20250219", "claude-3-7-sonnet"),
        ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        (" Claude-Opus-5 ", "claude-opus-5"),
        ("claude-mythos-preview", "claude-mythos-preview"),
    ],
)
def test_ids_find_their_row_however_they_are_written(written: str, row: str) -> None:
    assert lookup(written).id == row
    assert lookup(written).known


def test_an_unknown_model_gets_the_careful_profile() -> None:
    unknown = lookup("somebody-elses")
    assert (unknown.display_name, unknown.known, unknown.images, unknown.documents) == (
        "somebody-elses",
        False,
        True,
        False,
    )
    assert not (
        unknown.sampling
        or unknown.thinking
        or unknown.prefill
        or unknown.forced_tool_choice
        or unknown.prices
    )


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("claude-opus-5-5", ("Claude Opus 5.5", 1_000_000, 128_000, "always", "medium", False, False, False)),
        ("claude-fable-5", ("Claude Fable 5", 1_000_000, 128_000, "always", "high", False, False, True)),
        ("claude-opus-5", ("Claude Opus 5", 1_000_000, 128_000, "on", "high", False, False, True)),
        ("claude-opus-4-7", ("Claude Opus 4.7", 1_000_000, 128_000, "off", "high", False, False, True)),
        ("claude-haiku-5-5", ("Claude Haiku 5.5", 1_000_000, 128_000, "on", "medium", False, False, True)),
        ("claude-sonnet-5-5", ("Claude Sonnet 5.5", 1_000_000, 128_000, "on", "high", False, False, False)),
        ("claude-sonnet-4-6", ("Claude Sonnet 4.6", 1_000_000, 128_000, "off", "high", False, True, True)),
        ("claude-opus-4-5", ("Claude Opus 4.5", 200_000, 64_000, "off", "high", True, True, True)),
        ("claude-haiku-4-5", ("Claude Haiku 4.5", 200_000, 64_000, "off", "", True, True, True)),
        ("claude-opus-4-1", ("Claude Opus 4.1", 200_000, 32_000, "off", "", True, True, True)),
        ("claude-3-5-sonnet", ("Claude Sonnet 3.5", 200_000, 8_192, "", "", True, True, True)),
        ("claude-3-opus", ("Claude Opus 3", 200_000, 4_096, "", "", True, True, True)),
    ],
)
def test_rows_say_what_the_reference_says(model: str, facts: tuple[Any, ...]) -> None:
    row = lookup(model)
    assert facts == (
        row.display_name, row.context, row.max_output, row.thinking_default, row.effort_default, row.prefill,
        row.sampling, row.forced_tool_choice,
    )  # fmt: skip


def test_the_table_is_whole() -> None:
    assert len(MODELS) == 28
    for row in MODELS.values():
        assert row.display_name.startswith("Claude ") and row.images and row.documents
        assert row.effort_default in {"", *row.efforts}


SUPPORTED, REFUSED = {"supported": True}, {"supported": False}
NEW_MODEL: dict[str, Any] = {
    "id": "claude-opus-6", "type": "model", "max_input_tokens": 2_000_000, "max_tokens": 256_000,
    "capabilities": {
        "image_input": SUPPORTED, "pdf_input": SUPPORTED, "batch": SUPPORTED,
        "effort": {"supported": True, "max": SUPPORTED, "low": SUPPORTED, "xhigh": REFUSED, "ultra": SUPPORTED},
        "thinking": {"supported": True, "types": {"disabled": REFUSED, "adaptive": SUPPORTED, "new": SUPPORTED}},
    },
}  # fmt: skip


def test_the_native_list_says_what_a_new_model_can_do() -> None:
    said = json.loads(json.dumps(capabilities_in(NEW_MODEL)))
    assert said == {
        "context": 2_000_000, "max_output": 256_000, "images": True, "documents": True,
        "efforts": ["low", "max"], "thinking": ["adaptive"],
    }  # fmt: skip
    native = as_listed(lookup("claude-opus-6"), said, "anthropic")
    assert (native.context, native.documents, native.thinking, native.efforts, native.known) == (
        2_000_000, True, ("adaptive",), ("low", "max"), True,
    )  # fmt: skip
    assert not native.sampling, "of what the list does not say, nobody knows"
    elsewhere = as_listed(lookup("claude-opus-6", "rockapi"), said, "rockapi")
    assert (elsewhere.context, elsewhere.documents, elsewhere.thinking, elsewhere.efforts) == (
        2_000_000, False, (), (),
    )  # fmt: skip
    refusing = {"image_input": REFUSED, "thinking": {"supported": False, "types": {}}, "effort": REFUSED}
    said = capabilities_in({"type": "model", "capabilities": refusing})
    older = as_listed(lookup("claude-opus-5"), said, "anthropic")
    assert (older.images, older.documents, older.thinking, older.efforts, older.context) == (
        False, True, (), (), 1_000_000,
    )  # fmt: skip


@pytest.mark.parametrize("odd", [None, 5, [], "yes", {}, {"supported": "yes"}, {"supported": None}])
def test_what_a_list_says_in_another_form_is_not_said(odd: Any) -> None:
    names = ("image_input", "pdf_input", "thinking", "effort")
    row = {"type": "model", "max_tokens": True, "max_input_tokens": 0}
    assert capabilities_in(row | {"capabilities": dict.fromkeys(names, odd)}) == {}
    assert capabilities_in(row | {"capabilities": odd}) == {}
    assert capabilities_in(row | {"capabilities": {"thinking": {"types": odd}}}) == {}
    assert capabilities_in(NEW_MODEL | {"type": odd}) == {}


def test_a_dialect_takes_away_what_it_does_not_carry() -> None:
    assert lookup("claude-opus-5-5", "rockapi").thinking == ()
    assert not lookup("claude-opus-5-5", "ollama").documents
    assert lookup("claude-opus-5-5", "aimlapi").efforts == ()
    assert lookup("demo", "demo").display_name == "Demo" and lookup("demo", "demo").documents


MILLION = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("claude-opus-5-5", MILLION, "24"),
        ("claude-sonnet-4-6", MILLION, "18"),
        ("claude-opus-5-5", {"input_tokens": 12, "output_tokens": 34}, "0.000728"),
        ("claude-opus-5-5", MILLION | {"cache_creation_input_tokens": 1_000_000}, "29"),
        ("claude-opus-5-5", MILLION | {"cache_read_input_tokens": 1_000_000}, "24.2"),
        (
            "claude-opus-5-5",
            MILLION
            | {
                "cache_creation_input_tokens": 1_000_000,
                "cache_creation": {"ephemeral_1h_input_tokens": 400_000},
            },
            "30.2",
        ),
        (
            "claude-opus-5-5",
            MILLION
            | {
                "cache_creation": {"ephemeral_1h_input_tokens": 400_000, "ephemeral_5m_input_tokens": 600_000}
            },
            "30.2",
        ),
        ("claude-opus-5-5", MILLION | {"service_tier": "batch"}, "12"),
        ("claude-opus-5-5", MILLION | {"server_tool_use": {"web_search_requests": 3}}, "24.03"),
        ("claude-haiku-5-5", {"input_tokens": 100_000, "output_tokens": 1000}, "0.0105"),
        ("claude-haiku-5-5", {"input_tokens": 100_001, "output_tokens": 1000}, "0.052501"),
        (
            "claude-haiku-5-5",
            {"input_tokens": 1, "output_tokens": 0, "cache_read_input_tokens": 100_000},
            "0.005001",
        ),
        ("claude-3-haiku", MILLION | {"cache_creation_input_tokens": 1_000_000}, "1.8"),
        ("claude-opus-5-5", {"input_tokens": 0, "output_tokens": 0}, "0"),
    ],
)
def test_list_prices(model: str, usage: dict[str, Any], dollars: str) -> None:
    cost = cost_microdollars(usage, {}, model, "anthropic")
    assert cost is not None
    assert abs(Decimal(cost) - Decimal(dollars) * 1_000_000) < 1


@pytest.mark.parametrize(
    ("usage", "meta", "model", "dialect", "expected"),
    [
        ({}, None, "claude-opus-5-5", "anthropic", None),
        ({"input_tokens": 5}, None, "claude-opus-5-5", "anthropic", None),
        (MILLION, None, "claude-mythos-preview", "anthropic", None),
        (MILLION, None, "unknown", "anthropic", None),
        (MILLION, None, "claude-opus-5-5", "aimlapi", None),
        (MILLION, None, "claude-opus-5-5", "rockapi", None),
        (MILLION, None, "claude-opus-5-5", "openai_chat", 24_000_000),
        (MILLION, {"usage": {"usd_spent": 30}}, "claude-opus-5-5", "openai_chat", 30_000_000),
        (MILLION, None, "gpt-x", "openai_chat", None),
        ({}, {"usage": {"usd_spent": 0.000788, "credits_used": 9}}, "x", "aimlapi", 788),
        ({}, {"usage": {"credits_used": 1576}}, "x", "aimlapi", 788),
        (MILLION, {"usage": {"usd_spent": 0}}, "claude-opus-5-5", "anthropic", 0),
        (MILLION, {}, "demo", "demo", 0),
    ],
)
def test_who_says_what_it_cost(usage: Any, meta: Any, model: str, dialect: str, expected: int | None) -> None:
    assert cost_microdollars(usage, meta, model, dialect) == expected


def test_an_administrators_prices_go_before_the_list() -> None:
    own = prices("1", "2", "0.1")
    assert cost_microdollars(MILLION, {}, "claude-opus-5-5", "rockapi", prices=own) == 3_000_000

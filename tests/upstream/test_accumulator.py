"""The accumulator: content as the API means it, whatever the deltas look like."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.upstream.accumulator import Accumulator
from conversations.upstream.errors import GarbledAnswer
from conversations.upstream.events import (
    CitationsDelta,
    CompactionDelta,
    ContentBlockDelta,
    ContentBlockStart,
    ContentBlockStop,
    Event,
    InputJsonDelta,
    MessageDelta,
    MessageStart,
    MessageStop,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    event_from_dict,
    event_to_dict,
)


def block(index: int, start: dict[str, Any], *deltas: Any) -> list[Event]:
    pieces = [ContentBlockDelta(index, delta) for delta in deltas]
    return [ContentBlockStart(index, start), *pieces, ContentBlockStop(index)]


def answer(*events: Event) -> Accumulator:
    accumulator = Accumulator()
    accumulator.extend(events)
    return accumulator


TEXT = {"type": "text", "text": ""}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
CITATION = {"type": "char_location", "cited_text": "c", "document_index": 0}


@pytest.mark.parametrize("odd", [5, {"a": 1}, ["a"], True])
def test_what_a_block_begins_with_may_be_of_another_kind(odd: Any) -> None:
    begun = {"type": "tool_use", "text": odd, "thinking": odd, "citations": odd}
    deltas = TextDelta("a"), ThinkingDelta("b"), CitationsDelta(CITATION)
    [found] = answer(*block(0, begun, *deltas)).content
    assert (found["text"], found["thinking"], found["citations"][-1]) == ("a", "b", CITATION)


def test_text_is_joined_and_start_fields_stay() -> None:
    result = answer(
        *block(0, {"type": "text", "text": "", "extra": 1}, TextDelta("a"), TextDelta(""), TextDelta("b"))
    )
    assert result.content == [{"type": "text", "text": "ab", "extra": 1}]
    assert result.text == "ab"


def test_thinking_comes_before_text_and_its_signature_is_set_not_appended() -> None:
    result = answer(
        *block(
            0, THINKING, ThinkingDelta("hm"), ThinkingDelta("m"), SignatureDelta("one"), SignatureDelta("two")
        ),
        *block(1, TEXT, TextDelta("x")),
    )
    assert result.content[0] == {"type": "thinking", "thinking": "hmm", "signature": "two"}
    assert result.text == "x"


def test_omitted_thinking_keeps_its_signature_alone() -> None:
    assert answer(*block(0, THINKING, SignatureDelta("s"))).content == [
        {"type": "thinking", "thinking": "", "signature": "s"}
    ]


def test_redacted_thinking_and_unknown_blocks_are_kept_as_they_came() -> None:
    redacted = {"type": "redacted_thinking", "data": "opaque"}
    hologram = {"type": "hologram", "data": {"depth": [1, None]}}
    assert answer(*block(0, redacted), *block(1, hologram)).content == [redacted, hologram]


@pytest.mark.parametrize(
    ("pieces", "start", "expected"),
    [
        ([], {}, {}),
        ([], {"whole": 1}, {"whole": 1}),
        ([""], {}, {}),
        (["", "  "], {}, {}),
        (["{}"], {}, {}),
        (["", '{"ci', 'ty": "Ro\\u', '0300me"}'], {}, {"city": "Ro\u0300me"}),
        (['{"n": 1', "2}"], {}, {"n": 12}),
    ],
)
def test_tool_input_is_parsed_once_at_the_end(
    pieces: list[str], start: dict[str, Any], expected: Any
) -> None:
    result = answer(*block(0, TOOL | {"input": start}, *map(InputJsonDelta, pieces)))
    assert result.content[0]["input"] == expected
    assert result.invalid_inputs == {}


@pytest.mark.parametrize("raw", ['{"city": "Ro', "[1]", '"x"', "{" * 100_000, '{"a": \ud800}'])
def test_input_that_is_no_object_is_marked_and_never_guessed(raw: str) -> None:
    result = answer(*block(0, TOOL, InputJsonDelta(raw)))
    assert (result.content[0]["input"], result.content[0]["partial_json"]) == ({}, raw)
    assert result.invalid_inputs == {0: raw}


def test_input_that_no_database_stores_is_repaired() -> None:
    result = answer(*block(0, TOOL, InputJsonDelta('{"a\\u0000": "\\ud800", "n": 1e999}')))
    assert result.content[0]["input"] == {"a\ufffd": "\ufffd", "n": None}


def test_parallel_calls_and_server_tools_stay_apart() -> None:
    result = answer(
        *block(0, TOOL, InputJsonDelta('{"a":1}')),
        *block(1, TOOL | {"id": "toolu_2"}, InputJsonDelta('{"a":2}')),
        *block(
            2,
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            InputJsonDelta("{}"),
        ),
        *block(
            3,
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": {"error_code": "unavailable"},
            },
        ),
    )
    assert [one["input"] for one in result.content[:3]] == [{"a": 1}, {"a": 2}, {}]
    assert result.content[3]["content"] == {"error_code": "unavailable"}


def test_citations_are_pushed_also_where_the_start_has_null() -> None:
    start = {"type": "text", "text": "", "citations": None}
    result = answer(*block(0, start, TextDelta("cited"), CitationsDelta(CITATION), CitationsDelta(CITATION)))
    assert result.content[0]["citations"] == [CITATION, CITATION]


def test_compaction_is_set() -> None:
    assert answer(*block(0, {"type": "compaction", "content": None}, CompactionDelta("summary"))).content == [
        {"type": "compaction", "content": "summary"}
    ]


def test_looking_at_the_content_while_it_grows_loses_nothing() -> None:
    result = answer(ContentBlockStart(0, dict(TEXT)))
    for letter in "abc":
        result.apply(ContentBlockDelta(0, TextDelta(letter)))
        result.apply(ContentBlockDelta(0, CitationsDelta(CITATION)))
        assert result.text.endswith(letter)
    assert result.content == [{"type": "text", "text": "abc", "citations": [CITATION] * 3}]


@pytest.mark.parametrize(
    "events",
    [
        [ContentBlockDelta(0, TextDelta("x"))],
        [ContentBlockStop(0)],
        [ContentBlockStart(1, TEXT)],
        [ContentBlockStart(0, TEXT), ContentBlockStart(0, TEXT)],
        [ContentBlockStart(0, TEXT), ContentBlockStart(1, TEXT)],
        [*block(0, TEXT), ContentBlockDelta(0, TextDelta("late"))],
        [*block(0, TEXT), ContentBlockStop(0)],
        [*block(0, TEXT), ContentBlockStart(0, TEXT)],
    ],
)
def test_events_that_contradict_each_other_are_garbled(events: list[Event]) -> None:
    with pytest.raises(GarbledAnswer):
        answer(*events)


def test_stop_reason_model_and_usage_come_from_start_and_delta() -> None:
    usage = {
        "input_tokens": 0,
        "output_tokens": 1,
        "service_tier": "standard",
        "cache_read_input_tokens": None,
    }
    result = answer(
        MessageStart({"id": "msg_1", "model": "m", "usage": usage}),
        MessageDelta(
            {"stop_reason": "stop_sequence", "stop_sequence": "END"}, {"output_tokens": 9, "input_tokens": 25}
        ),
        MessageDelta(
            {"container": {"id": "c"}, "stop_details": {"type": "refusal"}},
            {"output_tokens": 12, "input_tokens": None},
        ),
        MessageStop({"usage": {"usd_spent": 0.01}}),
    )
    assert (result.message_id, result.model, result.stop_reason, result.stop_sequence) == (
        "msg_1",
        "m",
        "stop_sequence",
        "END",
    )
    assert result.usage == {"input_tokens": 25, "output_tokens": 12, "service_tier": "standard"}
    assert result.usage_is_final
    assert result.meta == {"usage": {"usd_spent": 0.01}}
    assert (result.container, result.stop_details) == ({"id": "c"}, {"type": "refusal"})
    assert result.complete


def test_a_container_may_be_named_at_the_beginning_and_another_at_the_end() -> None:
    begun = MessageStart({"container": {"id": "c_1", "expires_at": "2026-11-23T19:00:00Z"}})
    named = {"id": "c_1", "expires_at": "2026-11-23T19:00:00Z"}
    assert answer(begun).container == answer(begun, MessageDelta({"container": None})).container == named
    assert answer(begun, MessageDelta({"container": {"id": "c_2"}})).container == {"id": "c_2"}


@pytest.mark.parametrize("odd", [["c"], "c", 5, {"id": {"a": 1}}])
def test_a_container_that_is_none_has_no_id(odd: Any) -> None:
    assert not (answer(MessageDelta({"container": odd})).container or {}).get("id")


def test_a_name_that_is_no_text_is_none() -> None:
    begun = answer(MessageStart({"id": 5, "model": ["claude-opus-5-5"]}))
    assert (begun.message_id, begun.model) == ("", "")


def test_before_any_message_delta_usage_is_provisional() -> None:
    assert not answer(MessageStart({"usage": {"input_tokens": 3, "output_tokens": 1}})).usage_is_final


def test_a_broken_off_answer_keeps_text_and_loses_half_a_call() -> None:
    result = answer(
        *block(0, TEXT, TextDelta("whole")),
        ContentBlockStart(1, TOOL),
        ContentBlockDelta(1, InputJsonDelta('{"a')),
    )
    result.finish()
    assert result.content == [{"type": "text", "text": "whole"}]

    result = answer(ContentBlockStart(0, dict(THINKING)), ContentBlockDelta(0, ThinkingDelta("half a thou")))
    result.finish()
    assert result.content[0]["thinking"] == "half a thou"

    result = answer(ContentBlockStart(0, dict(TEXT)))
    result.finish()
    assert result.content == []


def test_finishing_a_complete_answer_changes_nothing() -> None:
    result = answer(*block(0, TOOL, InputJsonDelta("{}")), MessageStop())
    result.finish()
    assert result.content == [TOOL]
    assert result.complete


def test_message_stop_closes_an_open_block() -> None:
    assert answer(
        ContentBlockStart(0, dict(TOOL)), ContentBlockDelta(0, InputJsonDelta("{}")), MessageStop()
    ).complete


deltas = st.one_of(st.text(max_size=8).map(TextDelta), st.text(max_size=8).map(ThinkingDelta))


@given(st.lists(st.lists(deltas, max_size=6), max_size=5))
def test_a_journal_of_dicts_builds_the_same_answer(blocks: list[list[Any]]) -> None:
    events = [event for index, pieces in enumerate(blocks) for event in block(index, dict(TEXT), *pieces)]
    events += [MessageDelta({"stop_reason": "end_turn"}, {"output_tokens": 3}), MessageStop()]
    live = answer(*events)
    replayed = answer(
        *(event_from_dict(event_to_dict(event) | {"seq": 1, "generation": "g"}) for event in events)
    )
    assert replayed.content == live.content
    assert live.text == "".join(
        delta.text for pieces in blocks for delta in pieces if isinstance(delta, TextDelta)
    )


def test_a_hundred_thousand_deltas_are_cheap() -> None:
    events = [ContentBlockStart(0, dict(TEXT)), *[ContentBlockDelta(0, TextDelta("x"))] * 100_000]
    began = time.process_time()
    assert len(answer(*events).text) == 100_000
    assert time.process_time() - began < 0.5  # 0.02 s here: quadratic work would take minutes

"""The decoder of Messages streams: what comes through, what is repaired, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.upstream.accumulator import Accumulator
from conversations.upstream.events import ContentBlockDelta, Event, MessageStop, TextDelta
from conversations.upstream.messages_decoder import MessagesDecoder
from conversations.upstream.sse import SSEParser
from tests.fake_upstream import wire

BEGUN = wire.message_start() + wire.block_start()
ENDED = wire.block_stop() + wire.message_end()


class Decoded:
    def __init__(self, raw: bytes, room: int = 10_000_000, step: int = 0) -> None:
        self.ignored: Counter[str] = Counter()
        self.decoder = MessagesDecoder(room, self.ignored, ("sk-secret",))
        parser = SSEParser()
        self.events: list[Event] = []
        for position in range(0, len(raw), step or len(raw)):
            self.events += self.decoder.feed(parser.feed(raw[position : position + (step or len(raw))]))
        self.events += self.decoder.feed(parser.flush())
        self.events += self.decoder.finish()
        self.answer = Accumulator()
        self.answer.extend(self.events)
        self.answer.finish()

    @property
    def failure(self) -> str:
        return self.decoder.failure.type if self.decoder.failure else ""


def raw_event(kind: str, text: str) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + text.encode() + b"\n\n"


def raw_text(escaped: str, kind: str = "text_delta", field: str = "text") -> bytes:
    delta = f'{{"type":"{kind}","{field}":"{escaped}"}}'
    return raw_event("content_block_delta", f'{{"type":"content_block_delta","index":0,"delta":{delta}}}')


def test_an_answer_reads_the_same_whole_and_byte_by_byte() -> None:
    raw = b"".join(wire.text_answer("né ", "👩‍👩‍👧", " \u2028x\u0085 ", "end"))
    whole, drip = Decoded(raw), Decoded(raw, step=1)
    assert whole.events == drip.events
    assert whole.answer.text == "né 👩‍👩‍👧 \u2028x\u0085 end"
    assert whole.decoder.done and not whole.failure


@given(st.lists(st.text(max_size=10), max_size=8), st.integers(1, 40))
def test_any_text_comes_through_exactly_under_any_cut(pieces: list[str], step: int) -> None:
    storable = [piece.replace("\0", "\ufffd") for piece in pieces]
    assert Decoded(b"".join(wire.text_answer(*pieces)), step=step).answer.text == "".join(storable)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["\\ud83d\\ude00"], "😀"),
        (["a\\ud83d", "\\ude00b"], "a😀b"),
        (["\\ud83d", "", "\\ude00"], "😀"),
        (["\\ud83d", "\\ud83d", "\\ude00"], "\ufffd😀"),
        (["a\\ud83d", "b"], "a\ufffdb"),
        (["a\\ude00b"], "a\ufffdb"),
        (["a\\ud83d"], "a\ufffd"),
        (["a\\u0000b"], "a\ufffdb"),
        (["\\ud83d\\u0000\\ude00"], "\ufffd\ufffd\ufffd"),
    ],
)
def test_surrogate_halves_are_joined_and_what_no_database_stores_is_replaced(
    pieces: list[str], expected: str
) -> None:
    decoded = Decoded(BEGUN + b"".join(map(raw_text, pieces)) + ENDED)
    assert decoded.answer.text == expected
    assert not decoded.failure
    expected.encode()


def test_halves_of_different_kinds_are_not_joined() -> None:
    begun = wire.message_start() + wire.block_start(
        0, type="hologram"
    )  # of which nobody knows what it may hold
    raw = begun + raw_text("a\\ud83d") + raw_text("\\ude00", "thinking_delta", "thinking") + ENDED
    block = Decoded(raw).answer.content[0]
    assert (block["text"], block["thinking"]) == ("a\ufffd", "\ufffd")


def test_a_half_at_the_very_end_is_replaced_before_the_block_stops() -> None:
    decoded = Decoded(BEGUN + raw_text("a\\ud83d") + wire.message_end())
    assert decoded.answer.text == "a\ufffd"
    assert decoded.decoder.done


@pytest.mark.parametrize(
    "event",
    [
        raw_event("content_block_delta", "{,}"),
        raw_event("content_block_delta", "[]"),
        raw_event("content_block_delta", "7"),
        raw_event("content_block_delta", '{"type":"content_block_delta","index":0,"delta":"x"}'),
        raw_event(
            "content_block_delta", '{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}'
        ),
        raw_event("content_block_delta", '{"type":"content_block_delta","index":"0","delta":{}}'),
        raw_event("content_block_delta", '{"type":"content_block_delta","index":-1,"delta":{}}'),
        raw_event(
            "content_block_delta",
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":7}}',
        ),
        raw_event("content_block_start", '{"type":"content_block_start","index":1}'),
        raw_event(
            "content_block_start", '{"type":"content_block_start","index":1,"content_block":{"text":""}}'
        ),
        wire.block_stop() + wire.text_delta("never", -1),
        wire.text_delta("?").replace(b"?", b"\xff"),
        wire.text_delta("?").replace(b"?", b"\xed\xa0\x80"),
        wire.text_delta("\x01").replace(b"\\u0001", b"\x01"),
        raw_event("x", "[" * 100_000),
        raw_event("x", '{"a":' * 100_000),
        raw_event(
            "content_block_start",
            '{"type":"content_block_start","index":1,"content_block":{"type":"x","a":'
            + "[" * 500
            + "]" * 500
            + "}}",
        ),
        raw_event(
            "message_delta", '{"type":"message_delta","delta":{},"usage":{"a":' + "[" * 500 + "]" * 500 + "}}"
        ),
        raw_event("x", "1" * 5000),
    ],
)
def test_what_cannot_be_read_ends_the_answer_and_keeps_what_came(event: bytes) -> None:
    decoded = Decoded(BEGUN + wire.text_delta("kept") + event + wire.text_delta("never") + ENDED)
    assert decoded.failure == "garbled"
    assert decoded.answer.text == "kept"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
def test_numbers_that_are_none_become_null(number: str) -> None:
    raw = raw_event(
        "message_delta", f'{{"type":"message_delta","delta":{{"stop_reason":"end_turn","x":{number}}}}}'
    )
    decoded = Decoded(BEGUN + wire.block_stop() + raw)
    assert not decoded.failure
    json.dumps([str(event) for event in decoded.events])


@pytest.mark.parametrize(
    ("events", "counted"),
    [
        (wire.event("weather", sky="clear"), "event weather"),
        (b"data: {}\n\n", "event "),
        (wire.delta(0, type="aroma_delta", smell="rose"), "delta aroma_delta"),
        (wire.delta(0, type=None), "delta None"),
        (wire.delta(0, type=["text_delta"], text="x"), "delta ['text_delta']"),
        (wire.delta(0, type="citations_delta", citation=None), "delta citations_delta"),
        (wire.message_start(model="other"), ""),
    ],
)
def test_the_unknown_is_dropped_and_counted(events: bytes, counted: str) -> None:
    decoded = Decoded(
        wire.message_start()
        + events[:0]
        + wire.block_start()
        + wire.text_delta("a")
        + events * bool(counted)
        + wire.text_delta("b")
        + ENDED
    )
    assert decoded.answer.text == "ab"
    if counted:
        assert decoded.ignored == {counted: 1}


def test_pings_comments_and_done_marks_are_no_events() -> None:
    idle = wire.PING + b": hi\n\ndata\n\nevent: ping\ndata: \n\n" + b"data: [DONE]\n\n"
    decoded = Decoded(wire.PING + BEGUN + idle + wire.text_delta("a") + ENDED)
    assert decoded.answer.text == "a"
    assert not decoded.ignored


def test_a_ping_need_not_be_json() -> None:
    decoded = Decoded(BEGUN + raw_event("ping", "12:00") + wire.text_delta("a") + ENDED)
    assert (decoded.answer.text, decoded.failure) == ("a", "")
    assert not decoded.ignored


def test_an_error_in_plain_words_is_one() -> None:
    decoded = Decoded(BEGUN + wire.text_delta("a") + raw_event("error", "upstream sk-secret died"))
    assert (decoded.answer.text, decoded.failure) == ("a", "service")
    assert decoded.decoder.failure and decoded.decoder.failure.detail == "upstream [key] died"


def test_events_without_event_line_are_read_by_their_type() -> None:
    raw = b"".join(
        line + b"\n"
        for line in (BEGUN + wire.text_delta("a") + ENDED).split(b"\n")
        if not line.startswith(b"event:")
    )
    assert Decoded(raw).answer.text == "a"


def test_events_without_type_are_read_by_their_event_line() -> None:
    raw = (
        BEGUN
        + raw_event("content_block_delta", '{"index":0,"delta":{"type":"text_delta","text":"a"}}')
        + ENDED
    )
    assert Decoded(raw).answer.text == "a"


def test_data_type_wins_over_the_event_line_but_for_errors() -> None:
    delta = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}'
    assert Decoded(BEGUN + raw_event("message_stop", delta) + ENDED).answer.text == "a"
    assert Decoded(BEGUN + raw_event("error", '{"type":"ping"}')).failure == "service"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, "busy"),
        ({"type": "rate_limit_error", "message": "x"}, "limit"),
        ({"type": "api_error", "message": "x"}, "service"),
        ({"type": "new_error", "message": "x"}, "service"),
        ({"type": "authentication_error", "message": "bad sk-secret"}, "auth"),
        (
            {
                "type": "invalid_request_error",
                "message": "x",
                "details": {"error_code": "enforced_spend_limit_reached"},
            },
            "spend",
        ),
        ("just words", "service"),
    ],
)
def test_an_error_event_keeps_what_came_and_names_its_kind(error: Any, expected: str) -> None:
    decoded = Decoded(BEGUN + wire.text_delta("kept") + wire.event("error", error=error))
    assert decoded.failure == expected
    assert decoded.answer.text == "kept"
    assert decoded.decoder.failure is not None and "sk-secret" not in decoded.decoder.failure.detail


def test_an_error_object_without_type_is_an_error_too() -> None:
    assert Decoded(BEGUN + b'data: {"error":{"message":"x"}}\n\n').failure == "service"
    assert Decoded(BEGUN + b'data: {"message":"x","statusCode":"429"}\n\n').failure == "limit"


def test_the_end_without_message_stop_is_complete_only_after_a_stop_reason() -> None:
    stop_reason = wire.event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1})
    decoded = Decoded(BEGUN + wire.text_delta("a") + stop_reason)
    assert decoded.answer.complete and decoded.answer.text == "a"
    assert decoded.ignored == {"missing message_stop": 1}
    assert Decoded(BEGUN + wire.text_delta("a")).failure == "connection_lost"
    assert Decoded(BEGUN + wire.message_end(None)).decoder.done


def test_a_second_answer_on_one_connection_is_ignored() -> None:
    one = b"".join(wire.text_answer("first"))
    decoded = Decoded(one + b"".join(wire.text_answer("second")))
    assert decoded.answer.text == "first"
    assert decoded.ignored["after message_stop"] > 0

    unfinished = Decoded(
        BEGUN + wire.text_delta("first") + wire.message_start(model="x") + wire.block_start()
    )
    assert unfinished.answer.text == "first"
    assert unfinished.failure == "connection_lost"


def test_deltas_after_message_stop_are_ignored() -> None:
    decoded = Decoded(b"".join(wire.text_answer("a")) + wire.text_delta("late"))
    assert decoded.answer.text == "a"
    assert isinstance(decoded.events[-1], MessageStop)


def test_two_message_starts_in_a_row_count_as_one() -> None:
    decoded = Decoded(
        wire.message_start(model="one") + wire.message_start(model="two") + wire.block_start() + ENDED
    )
    assert decoded.answer.model == "one"
    assert decoded.answer.complete


def test_a_missing_message_start_is_made_up() -> None:
    decoded = Decoded(wire.block_start() + wire.text_delta("a") + ENDED)
    assert decoded.answer.text == "a"
    assert decoded.events[0].type == "message_start"


def test_words_in_the_block_start_become_a_delta() -> None:
    raw = wire.message_start() + wire.block_start(0, type="text", text="Hel") + wire.text_delta("lo") + ENDED
    decoded = Decoded(raw)
    joined = "".join(
        event.delta.text
        for event in decoded.events
        if isinstance(event, ContentBlockDelta) and isinstance(event.delta, TextDelta)
    )
    assert joined == decoded.answer.text == "Hello"


def test_null_texts_are_empty_and_meta_is_found_on_every_event() -> None:
    meta = {"usage": {"usd_spent": 0.5, "credits_used": 7, "junk": "x"}}
    raw = (
        wire.event(
            "message_start", message={"model": "m", "content": [], "meta": {"usage": {"usd_spent": 0.1}}}
        )
        + wire.block_start(0, type="text", text=None)
        + wire.delta(0, type="text_delta", text=None)
        + wire.event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}, meta=meta)
        + ENDED
    )
    decoded = Decoded(raw)
    assert decoded.answer.text == "a"
    assert decoded.answer.meta == {"usage": {"usd_spent": 0.5, "credits_used": 7}}


def cost(dollars: float) -> dict[str, Any]:
    return {"usage": {"usd_spent": dollars}}


ENDING = wire.event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})


@pytest.mark.parametrize(
    "ending",
    [
        wire.event("ping", meta=cost(0.5)) + ENDING + wire.event("message_stop"),
        wire.event("bill", meta=cost(0.5)) + ENDING + wire.event("message_stop"),
        b"data: " + wire.data({"meta": cost(0.5)}) + b"\n\n" + ENDING + wire.event("message_stop"),
        ENDING + wire.event("message_stop", message={"meta": cost(0.5)}),
        ENDING + wire.event("bill", message={"meta": cost(0.5)}) + wire.event("message_stop"),
        ENDING + wire.event("ping", meta=cost(0.5)),
        ENDING + wire.event("message_stop") + b"data: " + wire.data({"meta": cost(0.5)}) + b"\n\n",
        wire.event("ping", meta=cost(0.1))
        + wire.event("content_block_stop", index=0, meta=cost(0.5))
        + ENDING,
    ],
)
def test_what_it_cost_is_found_on_every_event_and_the_last_word_counts(ending: bytes) -> None:
    decoded = Decoded(BEGUN + wire.text_delta("a") + ending)
    assert decoded.answer.meta == cost(0.5)
    assert decoded.answer.complete and decoded.answer.text == "a"


def test_a_second_answer_does_not_say_what_the_first_one_cost() -> None:
    second = wire.message_start(meta=cost(9)) + wire.event("message_delta", delta={}, meta=cost(9))
    decoded = Decoded(BEGUN + ENDING + wire.event("message_stop", meta=cost(0.5)) + second)
    assert decoded.answer.meta == cost(0.5)


def test_what_a_block_starts_with_may_be_of_any_shape() -> None:
    raw = (
        wire.message_start()
        + wire.block_start(0, type="text", text="", citations=7)
        + wire.delta(0, type="citations_delta", citation={"type": "char_location"})
        + wire.block_stop(0)
        + wire.block_start(1, type="hologram", text=7)
        + wire.text_delta("a", 1)
        + wire.block_stop(1)
        + wire.message_end()
    )
    assert Decoded(raw).answer.content == [
        {"type": "text", "text": "", "citations": [{"type": "char_location"}]},
        {"type": "hologram", "text": "a"},
    ]


def test_all_kinds_of_deltas_come_through() -> None:
    citation = {"type": "char_location", "cited_text": "\0"}
    raw = (
        wire.message_start()
        + wire.block_start(0, type="thinking", thinking="", signature="")
        + wire.delta(0, type="thinking_delta", thinking="hm", estimated_tokens=3)
        + wire.delta(0, type="signature_delta", signature="sig")
        + wire.block_stop(0)
        + wire.block_start(1)
        + wire.delta(1, type="text_delta", text="x")
        + wire.delta(1, type="citations_delta", citation=citation)
        + wire.block_stop(1)
        + wire.block_start(2, type="tool_use", id="t", name="n", input={})
        + wire.delta(2, type="input_json_delta", partial_json='{"a":1}')
        + wire.block_stop(2)
        + wire.block_start(3, type="compaction", content=None)
        + wire.delta(3, type="compaction_delta", content="short")
        + wire.block_stop(3)
        + wire.message_end()
    )
    assert Decoded(raw, step=7).answer.content == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "x", "citations": [{"type": "char_location", "cited_text": "\ufffd"}]},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}},
        {"type": "compaction", "content": "short"},
    ]


WRONG = {
    "text_delta": {"text": "x"},
    "thinking_delta": {"thinking": "x"},
    "input_json_delta": {"partial_json": '{"a'},
    "signature_delta": {"signature": "x"},
    "citations_delta": {"citation": {"type": "char_location"}},
    "compaction_delta": {"content": "x"},
}


@pytest.mark.parametrize(
    ("block", "own"),
    [
        ({"type": "text", "text": ""}, {"text_delta", "citations_delta"}),
        ({"type": "thinking", "thinking": "", "signature": ""}, {"thinking_delta", "signature_delta"}),
        ({"type": "redacted_thinking", "data": "b3Bh"}, set()),
        ({"type": "tool_use", "id": "t", "name": "n", "input": {"b": 1}}, {"input_json_delta"}),
        ({"type": "server_tool_use", "id": "t", "name": "n", "input": {}}, {"input_json_delta"}),
        ({"type": "compaction", "content": "short"}, {"compaction_delta"}),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_a_delta_that_does_not_belong_to_its_block_is_dropped_and_counted(
    block: dict[str, Any], own: set[str]
) -> None:
    foreign = {kind: fields for kind, fields in WRONG.items() if kind not in own}
    deltas = b"".join(wire.delta(0, type=kind, **fields) for kind, fields in foreign.items())
    decoded = Decoded(wire.message_start() + wire.block_start(0, **block) + deltas + ENDED)
    assert decoded.answer.content == [block], "with one more field no provider would take it back"
    assert decoded.ignored == {f"delta {kind}": 1 for kind in foreign}
    assert decoded.answer.complete


@pytest.mark.parametrize(("room", "kept"), [(10, "a" * 10), (11, "a" * 10), (12, "a" * 10 + "é")])
def test_an_answer_over_the_limit_is_cut_there_between_characters(room: int, kept: str) -> None:
    raw = BEGUN + wire.text_delta("a" * 10) + wire.text_delta("é" * 10) + ENDED
    decoded = Decoded(raw, room=room)
    assert decoded.failure == "limit"
    assert decoded.answer.text == kept


@pytest.mark.parametrize(
    "begun",
    [
        wire.block_start() + wire.text_delta("Hel"),
        wire.block_start(0, type="text", text="Hel", citations=[]),
        wire.block_start(0, type="thinking", thinking="", signature="") + wire.block_stop()
        + wire.block_start(1, type="text", text="Hel", citations=None),
    ],
)  # fmt: skip
def test_an_answer_at_the_limit_is_whole_and_one_over_it_is_cut(begun: bytes) -> None:
    """The frames of its blocks are no content: as one JSON reply it would pass, too."""
    index = begun.count(b"event: content_block_stop")
    raw = wire.message_start() + begun + wire.text_delta("lo", index) + wire.block_stop(index)
    at, over = Decoded(raw + wire.message_end(), room=5), Decoded(raw + wire.message_end(), room=4)
    assert (at.failure, at.answer.text) == ("", "Hello")
    assert (over.failure, over.answer.text) == ("limit", "Hell")


def test_the_first_words_in_a_block_start_are_cut_as_others_are() -> None:
    decoded = Decoded(wire.message_start() + wire.block_start(0, type="text", text="né" * 5), room=4)
    assert (decoded.failure, decoded.answer.text) == ("limit", "nén")


def test_empty_blocks_come_to_an_end_as_well() -> None:
    blocks = b"".join(wire.block_start(n) + wire.block_stop(n) for n in range(35_000))
    assert Decoded(wire.message_start() + blocks).failure == "limit"


def test_large_blocks_citations_and_signatures_count_too() -> None:
    big = "x" * 500
    for event in (
        wire.block_start(0, type="hologram", data=big),
        wire.block_start(0) + wire.delta(0, type="citations_delta", citation={"cited_text": big}),
        wire.block_start(0, type="thinking") + wire.delta(0, type="signature_delta", signature=big),
        wire.block_start(0, type="compaction") + wire.delta(0, type="compaction_delta", content=big),
        wire.block_start(0, type="tool_use") + wire.delta(0, type="input_json_delta", partial_json=big),
    ):
        assert Decoded(wire.message_start() + event, room=400).failure == "limit"


def test_a_journalled_event_is_json_with_the_api_words() -> None:
    import msgspec

    delta = Decoded(b"".join(wire.text_answer("hi"))).events[2]
    assert msgspec.json.encode(delta) == (
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}'
    )
    assert delta.delta.type == "text_delta"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "event",
    [
        wire.text_delta(""),
        wire.event("message_delta", delta={"container": {"id": "x" * 5_000}}, usage={"output_tokens": 1}),
    ],
)
def test_events_that_add_no_content_come_to_an_end_as_well(event: bytes) -> None:
    """A server in a loop would fill the memory with them, within all limits of time and content."""
    raw = BEGUN + wire.text_delta("Some text")
    assert Decoded(raw + event * 100 + ENDED).failure == ""
    endless = Decoded(raw + event * (8 * 1024 * 1024 // len(event)))
    assert (endless.failure, endless.answer.text) == ("limit", "Some text")

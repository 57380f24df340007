"""Whole JSON replies, native and chat style, and chat streams: translated into the same blocks and events."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from conversations.upstream.accumulator import Accumulator
from conversations.upstream.chat_decoder import ChatDecoder
from conversations.upstream.chat_reply import usage_from_chat
from conversations.upstream.errors import UpstreamError
from conversations.upstream.events import Event
from conversations.upstream.reply import events_from_reply, read_reply
from conversations.upstream.sse import SSEParser
from tests.fake_upstream import wire


def reply(**body: Any) -> Any:
    return read_reply(json.dumps(body).encode())


def test_everything_but_content_is_optional() -> None:
    result = reply(content=[{"type": "text", "text": "Hi"}])
    assert (result.text, result.usage, result.meta, result.stop_reason, result.model) == (
        "Hi",
        {},
        {},
        None,
        "",
    )
    assert reply(content=[]).content == []
    assert reply(content="Hi").content == [{"type": "text", "text": "Hi"}]
    assert reply(content="").content == []
    assert reply(content="Hi", model=["claude-opus-5-5"], id=5).model == ""


def test_a_native_reply_is_read_whole() -> None:
    result = read_reply(wire.message_body("Hi"), request_id="req")
    assert (result.message_id, result.model, result.stop_reason, result.request_id) == (
        "msg_fake",
        "claude-opus-5-5",
        "end_turn",
        "req",
    )
    assert result.usage["output_tokens"] == 5


def test_cost_comes_from_the_body_before_the_header() -> None:
    header = {"usage": {"usd_spent": 0.5}}
    body = {"content": [], "meta": {"usage": {"usd_spent": 0.25}}}
    assert read_reply(json.dumps(body).encode(), meta=header).meta == {"usage": {"usd_spent": 0.25}}
    assert read_reply(b'{"content":[]}', meta=header).meta == header


def test_each_figure_of_the_cost_comes_from_the_body_or_else_from_a_header() -> None:
    header = {"usage": {"usd_spent": 0.5, "credits_used": 9}}
    body = {"content": [], "meta": {"usage": {"credits_used": 7}}}
    assert read_reply(json.dumps(body).encode(), meta=header).meta == {
        "usage": {"usd_spent": 0.5, "credits_used": 7}
    }


def test_why_a_reply_was_stopped_reads_like_a_stream() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    answer = Accumulator()
    answer.extend(
        events_from_reply(
            reply(content=[], stop_reason="refusal", stop_details=details, container={"id": "c"})
        )
    )
    assert (answer.stop_reason, answer.stop_details, answer.container) == ("refusal", details, {"id": "c"})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}, {"text": 7}, "x"]}, "Hi"),
        ({"content": "Hi", "tool_calls": ["junk", None]}, "Hi"),
        ({"content": "Hi", "tool_calls": 5}, "Hi"),
        ({"content": "Hi", "reasoning": {"a": 1}}, "Hi"),
        ({"content": 7}, ""),
    ],
)
def test_what_does_not_belong_in_a_chat_reply_is_left_out(message: dict[str, Any], expected: str) -> None:
    result = reply(choices=[{"message": message, "finish_reason": "stop"}])
    assert result.content == ([{"type": "text", "text": expected}] if expected else [])


def test_a_call_in_a_chat_reply_may_lack_anything() -> None:
    calls = [{"function": "f"}, {"id": 7, "function": {"name": "g", "arguments": {"a": 1}}}]
    result = reply(choices=[{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}])
    assert result.content == [
        {"type": "tool_use", "id": "call_0", "name": "", "input": {}},
        {"type": "tool_use", "id": "7", "name": "g", "input": {"a": 1}},
    ]


def test_citations_that_are_none_are_left_out_of_a_reply() -> None:
    answer = Accumulator()
    answer.extend(events_from_reply(reply(content=[{"type": "text", "text": "Hi", "citations": True}])))
    assert answer.content == [{"type": "text", "text": "Hi"}]


def test_what_a_text_says_of_citations_stays_where_and_as_it_came() -> None:
    for citations in (None, [], [{"type": "char_location"}]):
        block = {"citations": citations, "type": "text", "text": "Hi"}
        answer = Accumulator()
        answer.extend(events_from_reply(reply(content=[block])))
        assert json.dumps(answer.content) == json.dumps([block])


def test_a_byte_order_mark_is_no_part_of_a_reply() -> None:
    assert read_reply(b"\xef\xbb\xbf" + wire.message_body("Hi")).text == "Hi"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"content":7}',
        b'{"content":[7]}',
        b'{"content":[{}]}',
        b'{"content":[{"type":[]}]}',
        b"<html>",
        b'{"content":[{"type":5}]}',
        b'{"content":[{"type":["text"]}]}',
    ],
)
def test_json_that_is_no_message_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        read_reply(body)
    assert caught.value.type == "protocol"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, "busy"),
        ({"message": "no", "statusCode": 401}, "auth"),
        ({"error": "words"}, "service"),
    ],
)
def test_an_error_in_a_200_is_an_error(body: Any, expected: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        read_reply(json.dumps(body).encode(), request_id="req")
    assert (caught.value.type, caught.value.request_id) == (expected, "req")


def test_a_chat_style_reply_is_understood() -> None:
    body = {
        "id": "msg-1", "object": "message", "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16},
    }  # fmt: skip
    result = reply(**body)
    assert (result.text, result.stop_reason, result.usage) == (
        "Hi",
        "end_turn",
        {"input_tokens": 7, "output_tokens": 9},
    )


def test_a_chat_reply_with_reasoning_and_tools() -> None:
    calls = [
        {"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"function": {"name": "g", "arguments": "{broken"}},
    ]
    message = {"content": None, "reasoning_content": "hm", "tool_calls": calls}
    result = reply(choices=[{"message": message, "finish_reason": "tool_calls"}])
    assert result.content == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_1", "name": "g", "input": {}, "partial_json": "{broken"},
    ]
    answer = Accumulator()
    answer.extend(events_from_reply(result))
    assert answer.content == result.content
    assert answer.invalid_inputs == {2: "{broken"}
    assert result.stop_reason == "tool_use"
    assert reply(choices=[]).content == []
    assert reply(choices=[{"message": None, "finish_reason": "new_reason"}]).stop_reason == "new_reason"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"choices": [{"message": {"content": "a", "tool_calls": 5}}]}, [{"type": "text", "text": "a"}]),
        (
            {"choices": [{"message": {"tool_calls": ["x", {"function": "y"}]}}]},
            [{"type": "tool_use", "id": "call_1", "name": "", "input": {}}],
        ),
        ({"content": [{"type": "text", "text": "a", "citations": 5}]}, [{"type": "text", "text": "a"}]),
    ],
)
def test_fields_of_another_kind_are_survived(body: Any, content: list[Any]) -> None:
    rebuilt = Accumulator()
    rebuilt.extend(events_from_reply(read_reply(json.dumps(body).encode())))
    assert rebuilt.content == content


def test_cached_tokens_are_taken_out_of_the_prompt() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
    }
    assert usage_from_chat(usage) == {
        "input_tokens": 3,
        "output_tokens": 5,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 3,
    }
    assert usage_from_chat({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}}) == {
        "input_tokens": 3
    }
    assert usage_from_chat(None) == {}


def test_the_events_of_a_reply_build_the_reply_again() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "cited", "citations": [{"type": "char_location"}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1]}},
    ]
    body = {
        "id": "m1",
        "model": "m",
        "content": content,
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    answer = Accumulator()
    answer.extend(events_from_reply(reply(**body, meta={"usage": {"credits_used": 3}})))
    assert answer.content == content
    assert (answer.stop_reason, answer.usage, answer.meta) == (
        "tool_use",
        body["usage"],
        {"usage": {"credits_used": 3}},
    )
    assert answer.complete


class Chat:
    def __init__(self, *raw: bytes, room: int = 10_000) -> None:
        self.ignored: Counter[str] = Counter()
        self.decoder = ChatDecoder(room, self.ignored)
        parser = SSEParser()
        self.events: list[Event] = []
        for piece in raw:
            self.events += self.decoder.feed(parser.feed(piece))
        self.events += self.decoder.finish()
        self.answer = Accumulator()
        self.answer.extend(self.events)
        self.answer.finish()

    @property
    def failure(self) -> str:
        return self.decoder.failure.type if self.decoder.failure else ""


DONE = b"data: [DONE]\n\n"


def test_a_chat_stream_becomes_text() -> None:
    chat = Chat(*wire.chat_answer("Hel", "lo"))
    assert (chat.answer.text, chat.answer.stop_reason, chat.answer.model) == ("Hello", "end_turn", "gpt-fake")
    assert chat.answer.usage == {"input_tokens": 10, "output_tokens": 2}
    assert [event.type for event in chat.events] == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
        "message_delta", "message_stop",
    ]  # fmt: skip


def test_reasoning_becomes_thinking_before_the_text() -> None:
    chat = Chat(
        wire.chat_delta(reasoning_content="h"),
        wire.chat_delta(reasoning="m"),
        wire.chat_delta(content="x"),
        wire.chat_delta("stop"),
        DONE,
    )
    assert chat.answer.content == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "x"},
    ]


def test_an_end_mark_ends_an_answer_that_gave_no_reason() -> None:
    chat = Chat(wire.chat_delta(content="Hello"), DONE)
    assert (chat.failure, chat.answer.text, chat.answer.stop_reason) == ("", "Hello", "end_turn")
    chat = Chat(wire.chat_delta(tool_calls=[call(0, "c1", name="f", arguments="{}")]), DONE)
    assert (chat.failure, chat.answer.stop_reason) == ("", "tool_use")
    assert Chat(wire.chat_delta(content="Hello")).failure == "connection_lost"
    early = Chat(DONE + wire.chat_delta(content="late"))
    assert (early.failure, early.events) == ("connection_lost", [])


def call(index: int | None, call_id: str | None = None, **function: Any) -> dict[str, Any]:
    piece: dict[str, Any] = {"function": function}
    if index is not None:
        piece["index"] = index
    if call_id:
        piece["id"] = call_id
    return piece


def test_tool_calls_are_merged_by_index_even_when_interleaved() -> None:
    chat = Chat(
        wire.chat_delta(content="Look: "),
        wire.chat_delta(
            tool_calls=[call(0, "c1", name="f", arguments=""), call(1, "c2", name="g", arguments="{")]
        ),
        wire.chat_delta(tool_calls=[call(0, arguments='{"a"')]),
        wire.chat_delta(tool_calls=[call(1, arguments="}"), call(0, arguments=":1}")]),
        wire.chat_delta("tool_calls"),
        DONE,
    )
    assert chat.answer.stop_reason == "tool_use"
    assert chat.answer.content[1:] == [
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
    ]


def test_the_input_of_a_call_may_come_as_an_object_in_a_stream_too() -> None:
    chat = Chat(
        wire.chat_delta(tool_calls=[call(0, "c1", name="f", arguments={"é": [10**30, "\0"]})]),
        wire.chat_delta("tool_calls"),
        DONE,
    )
    assert [one["input"] for one in chat.answer.content] == [{"é": [10**30, "\ufffd"]}]


def test_calls_without_index_begin_with_a_new_id() -> None:
    chat = Chat(
        wire.chat_delta(tool_calls=[call(None, "c1", name="f", arguments="{")]),
        wire.chat_delta(tool_calls=[call(None, arguments="}")]),
        wire.chat_delta(tool_calls=[call(None, "c2", name="g", arguments="{}")]),
        wire.chat_delta(tool_calls=["junk", {"index": 5, "function": None}]),
        wire.chat_delta("tool_calls"),
    )
    assert [(one["id"], one["input"]) for one in chat.answer.content] == [
        ("c1", {}),
        ("c2", {}),
        ("call_2", {}),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            wire.chat_delta(content="kept")
            + b'data: {"error":{"message":"x","type":"overloaded_error"}}\n\n',
            "busy",
        ),
        (wire.chat_delta(content="kept") + b'data: {"message":"x","statusCode":402}\n\n', "spend"),
        (wire.chat_delta(content="kept") + b"data: {,}\n\n", "garbled"),
        (wire.chat_delta(content="kept") + b"data: []\n\n", "garbled"),
        (wire.chat_delta(content="kept"), "connection_lost"),
        (
            wire.chat_delta(content="kept")
            + wire.chat_delta(tool_calls=[call(n, f"c{n}") for n in range(200)]),
            "garbled",
        ),
    ],
)
def test_what_breaks_a_chat_stream_keeps_what_came(raw: bytes, expected: str) -> None:
    chat = Chat(raw)
    assert chat.failure == expected
    assert chat.answer.text == "kept"


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_a_chat_stream_over_the_limit_is_cut_there_between_characters(field: str) -> None:
    chat = Chat(wire.chat_delta(**{field: "kept"}), wire.chat_delta(**{field: "é" * 20}), room=9)
    assert chat.failure == "limit"
    [block] = chat.answer.content
    assert block[block["type"]] == "kepté" + "é"


def test_a_chat_answer_over_the_limit_is_kept_up_to_it() -> None:
    chat = Chat(wire.chat_delta(content="kept") + wire.chat_delta(content="é" * 20), room=11)
    assert (chat.failure, chat.answer.text) == ("limit", "kept" + "é" * 3)
    thought = Chat(wire.chat_delta(reasoning="hm" * 20), room=5)
    assert (thought.failure, thought.answer.content[0]["thinking"]) == ("limit", "hmhmh")


@pytest.mark.parametrize("given", [{"name": "f" * 400}, {"call_id": "c" * 400}, {"arguments": "1" * 400}])
def test_names_and_ids_of_calls_count_for_the_limit_as_their_input_does(given: dict[str, str]) -> None:
    calls = [wire.chat_delta(tool_calls=[call(n, **given)]) for n in range(3)]
    assert Chat(*calls[:2], DONE, room=1_000).failure == ""
    chat = Chat(wire.chat_delta(content="kept"), *calls, DONE, room=1_000)
    assert (chat.failure, chat.answer.text) == ("limit", "kept")


def test_blocks_of_one_character_come_to_an_end_as_well() -> None:
    """A server that thinks and talks by turns gives three events for each byte that counts as content."""
    turn = wire.chat_delta(reasoning="h", content="x")
    assert Chat(turn * 500, wire.chat_delta("stop"), DONE).failure == ""
    chat = Chat(turn * 20_000, room=10_000_000)
    assert chat.failure == "limit"
    assert len(chat.events) < 100_000


def raw_chunk(**delta: str) -> bytes:
    """A chunk whose texts are JSON already, so that they may hold half a character."""
    fields = ",".join(f'"{name}":{text}' for name, text in delta.items())
    return b'data: {"choices":[{"index":0,"delta":{%b}}]}\n\n' % fields.encode()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a\\ud83d", "\\ude00b"], "a😀b"),
        (["\\ud83d", "", "\\ude00"], "😀"),
        (["a\\ud83d", "b"], "a\ufffdb"),
        (["a\\ud83d"], "a\ufffd"),
        (["a\\u0000b"], "a\ufffdb"),
        (["\\ude00\\u0000b"], "\ufffd\ufffdb"),
    ],
)
def test_halves_of_a_character_in_two_chunks_are_joined(pieces: list[str], expected: str) -> None:
    texts = [raw_chunk(content=f'"{piece}"') for piece in pieces]
    chat = Chat(*texts, wire.chat_delta("stop"), DONE)
    assert (chat.failure, chat.answer.text) == ("", expected)
    function = b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"arguments":"%b"}}]}}]}'
    parts = ['{\\"a\\":\\"', *pieces, '\\"}']
    calls = [b"data: " + function % part.encode() + b"\n\n" for part in parts]
    assert Chat(*calls, wire.chat_delta("tool_calls"), DONE).answer.content[0]["input"] == {"a": expected}


def test_a_half_is_not_joined_with_another_kind() -> None:
    chat = Chat(raw_chunk(reasoning='"a\\ud83d"'), raw_chunk(content='"\\ude00b"'), wire.chat_delta("stop"))
    thinking, text = chat.answer.content
    assert (thinking["thinking"], text["text"]) == ("a\ufffd", "\ufffdb")


def test_an_unreadable_chunk_is_in_the_debug_log_and_not_all_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    chat = Chat(wire.chat_delta(content="kept") + b"data: {,}" + b"x" * 5000 + b"\n\n")
    assert chat.failure == "garbled"
    assert "{,}xxx" in caplog.text
    assert len(caplog.text) < 1000


def test_odd_chunks_are_survived() -> None:
    meta = {"usage": {"usd_spent": 0.5}}
    chat = Chat(
        b"data:\n\n",
        wire.chat_chunk(choices=[]),
        wire.chat_chunk(choices=None),
        wire.chat_chunk(choices=[7]),
        wire.chat_chunk(choices=[{"delta": None, "finish_reason": None}]),
        wire.chat_delta(content="a", tool_calls=None),
        wire.chat_chunk(choices=[], meta=meta),
        wire.chat_delta("length"),
        DONE + wire.chat_delta(content="late"),
    )
    assert (chat.answer.text, chat.answer.stop_reason, chat.answer.meta) == ("a", "max_tokens", meta)
    assert chat.ignored == {"after [DONE]": 1}


def test_a_call_in_the_old_form_is_one_like_any_other() -> None:
    chat = Chat(
        wire.chat_delta(function_call={"name": "f", "arguments": ""}),
        wire.chat_delta(function_call={"arguments": '{"a":'}),
        wire.chat_delta(function_call={"arguments": "1}"}),
        wire.chat_delta("function_call"),
        DONE,
    )
    called = [{"type": "tool_use", "id": "call_0", "name": "f", "input": {"a": 1}}]
    assert (chat.answer.content, chat.answer.stop_reason) == (called, "tool_use")
    message = {"content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}
    whole = reply(choices=[{"message": message, "finish_reason": "function_call"}])
    assert (whole.content, whole.stop_reason) == (called, "tool_use")


def test_a_chunk_may_hold_the_whole_message_and_what_was_streamed_is_not_repeated() -> None:
    whole = wire.chat_chunk(choices=[{"message": {"content": "Hello"}, "finish_reason": "stop"}])
    assert Chat(whole, DONE).answer.text == "Hello"
    assert Chat(wire.chat_delta(content="Hello"), whole, DONE).answer.text == "Hello"
    assert Chat(wire.chat_delta(content="Hello"), whole, DONE).answer.stop_reason == "end_turn"


def test_texts_of_chunks_may_come_as_parts_as_those_of_a_whole_reply_may() -> None:
    parts = [
        {"type": "text", "text": "Hel"},
        {"type": "image"},
        5,
        {"text": None},
        {"type": "text", "text": "lo"},
    ]
    chat = Chat(wire.chat_delta(reasoning=parts[:1]), wire.chat_delta(content=parts), wire.chat_delta("stop"))
    assert [block.get("thinking") or block["text"] for block in chat.answer.content] == ["Hel", "Hello"]

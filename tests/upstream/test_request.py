"""Request bodies: what each dialect and model takes, and nothing else (messages-api sections 14 and 19)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.upstream.capabilities import lookup
from conversations.upstream.dialects import DIALECTS
from conversations.upstream.endpoint import Endpoint
from conversations.upstream.errors import UpstreamError
from conversations.upstream.request import MessageRequest
from conversations.upstream.request_body import body

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
DOCUMENT = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}}
TOOL = {
    "name": "f",
    "description": "d",
    "input_schema": {"type": "object"},
    "cache_control": {"type": "ephemeral"},
}


def sent(
    model: str = "claude-opus-5-5", dialect: str = "anthropic", version: str = "2023-06-01", **fields: Any
) -> dict[str, Any]:
    fields.setdefault("messages", [{"role": "user", "content": "Hi"}])
    fields.setdefault("max_tokens", 4096)
    return body(
        MessageRequest(model, **fields), Endpoint(dialect, version=version), stream=fields.pop("stream", True)
    )


def test_a_plain_request_holds_nothing_that_nobody_asked_for() -> None:
    assert sent() == {
        "model": "claude-opus-5-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }
    request = MessageRequest("m", [{"role": "user", "content": "Hi"}], 64)
    assert "stream" not in body(request, Endpoint("anthropic"), stream=False)


def test_max_tokens_stays_within_the_model() -> None:
    assert sent("claude-opus-4-1", max_tokens=100_000)["max_tokens"] == 32_000
    assert sent("unknown", max_tokens=100_000)["max_tokens"] == 100_000
    assert sent(max_tokens=0)["max_tokens"] == 1


def test_blank_stop_sequences_and_an_empty_system_are_left_out() -> None:
    assert sent(stop_sequences=["END", " ", "\n"])["stop_sequences"] == ["END"]
    assert "stop_sequences" not in sent(stop_sequences=[" "])
    assert sent(system="Be brief.")["system"] == "Be brief."
    assert "system" not in sent(system="")


SAMPLING = {"temperature": 0.5, "top_p": 0.9, "top_k": 5}


@pytest.mark.parametrize(
    ("model", "version", "expected"),
    [
        ("claude-opus-5-5", "2023-06-01", {}),
        ("claude-opus-4-7", "2023-06-01", {}),
        ("claude-sonnet-4-6", "2023-06-01", {"temperature": 0.5, "top_k": 5}),
        ("claude-sonnet-4-6", "2026-10-21", {}),
        ("claude-sonnet-4-5", "2023-06-01", {"temperature": 0.5, "top_k": 5}),
        ("claude-3-5-sonnet-20240620", "2023-06-01", SAMPLING),
        ("somebody-elses", "2023-06-01", {}),
    ],
)
def test_sampling_goes_only_to_models_and_versions_that_take_it(
    model: str, version: str, expected: dict[str, Any]
) -> None:
    result = sent(model, version=version, **SAMPLING)
    assert {name: result[name] for name in SAMPLING if name in result} == expected


@pytest.mark.parametrize("dialect", ["aimlapi", "openai_chat"])
def test_a_version_that_is_not_sent_forbids_nothing(dialect: str) -> None:
    assert sent("claude-sonnet-4-5", dialect, version="2026-10-21", temperature=0.5)["temperature"] == 0.5


def test_top_p_alone_is_kept_and_thinking_excludes_sampling() -> None:
    assert sent("claude-sonnet-4-5", top_p=0.9)["top_p"] == 0.9
    thinking = {"type": "enabled", "budget_tokens": 2000}
    assert "temperature" not in sent("claude-sonnet-4-5", temperature=0.5, thinking=thinking)
    assert "temperature" in sent("claude-sonnet-4-5", temperature=0.5, thinking={"type": "disabled"})


def test_rockapi_gets_no_sampling_field_but_the_one_that_it_lists() -> None:
    result = sent("claude-3-5-sonnet-20240620", "rockapi", **SAMPLING)
    assert {name: result[name] for name in SAMPLING if name in result} == {"temperature": 0.5}
    assert "top_p" not in sent("claude-3-5-sonnet-20240620", "rockapi", top_p=0.9)


def test_servers_that_run_models_themselves_take_sampling_for_any_name() -> None:
    assert sent("llama-4", "ollama", temperature=0.5)["temperature"] == 0.5
    assert sent("llama-4", "openai_chat", temperature=0.5, top_p=0.9)["temperature"] == 0.5


ADAPTIVE = {"type": "adaptive", "display": "summarized"}
ENABLED = {"type": "enabled", "budget_tokens": 2000}
DISABLED = {"type": "disabled"}
BETWEEN_TOOLS = {"type": "between_tools"}


@pytest.mark.parametrize(
    ("model", "dialect", "thinking", "expected"),
    [
        ("claude-opus-5-5", "anthropic", ADAPTIVE, ADAPTIVE),
        ("claude-opus-5-5", "anthropic", ENABLED, None),
        ("claude-opus-5-5", "anthropic", DISABLED, None),
        ("claude-sonnet-5-5", "anthropic", BETWEEN_TOOLS, BETWEEN_TOOLS),
        ("claude-sonnet-5-5", "anthropic", DISABLED, BETWEEN_TOOLS),
        ("claude-sonnet-5-5", "litellm", DISABLED, BETWEEN_TOOLS),
        ("claude-sonnet-5-5", "aimlapi", DISABLED, None),
        ("claude-sonnet-5-5", "rockapi", DISABLED, None),
        ("claude-sonnet-5", "anthropic", DISABLED, DISABLED),
        ("claude-sonnet-4-6", "anthropic", ENABLED, ENABLED),
        ("claude-sonnet-4-5", "anthropic", ADAPTIVE, None),
        (
            "claude-sonnet-4-5",
            "anthropic",
            {"type": "enabled", "budget_tokens": 9000},
            {"type": "enabled", "budget_tokens": 4095},
        ),
        ("claude-sonnet-4-5", "anthropic", {"type": "enabled", "budget_tokens": 1000}, None),
        ("claude-sonnet-4-5", "aimlapi", ENABLED, ENABLED),
        ("claude-sonnet-4-5", "litellm", ENABLED, ENABLED),
        ("claude-sonnet-4-5", "rockapi", ENABLED, None),
        ("claude-3-5-haiku", "anthropic", ENABLED, None),
        ("llama-4", "ollama", ENABLED, None),
    ],
)
def test_thinking_goes_only_where_its_type_is_accepted(
    model: str, dialect: str, thinking: Any, expected: Any
) -> None:
    assert sent(model, dialect, thinking=thinking).get("thinking") == expected


def test_no_budget_is_sent_that_does_not_fit_below_max_tokens() -> None:
    assert sent("claude-sonnet-4-5", thinking=ENABLED, max_tokens=2000)["thinking"]["budget_tokens"] == 1999
    assert "thinking" not in sent("claude-sonnet-4-5", thinking=ENABLED, max_tokens=1000)


def test_disabled_thinking_and_the_highest_efforts_exclude_each_other_where_the_model_says_so() -> None:
    for model in ("claude-opus-5", "claude-sonnet-5-5"):
        result = sent(model, thinking=DISABLED, output_config={"effort": "max"})
        assert "thinking" not in result and result["output_config"] == {"effort": "max"}
        assert "thinking" in sent(model, thinking=DISABLED, output_config={"effort": "high"})
    assert sent("claude-opus-5", thinking=DISABLED, output_config={"effort": "high"})["thinking"] == DISABLED
    assert sent("claude-sonnet-5", thinking=DISABLED, output_config={"effort": "max"})["thinking"] == DISABLED


@pytest.mark.parametrize(
    ("model", "dialect", "effort", "expected"),
    [
        ("claude-opus-5-5", "anthropic", "xhigh", {"effort": "xhigh"}),
        ("claude-sonnet-4-6", "anthropic", "xhigh", None),
        ("claude-sonnet-4-6", "anthropic", "max", {"effort": "max"}),
        ("claude-opus-4-5", "anthropic", "high", {"effort": "high"}),
        ("claude-opus-4-5", "anthropic", "max", None),
        ("claude-sonnet-4-5", "anthropic", "low", None),
        ("claude-opus-5-5", "aimlapi", "low", None),
    ],
)
def test_effort_goes_only_where_it_is_known(model: str, dialect: str, effort: str, expected: Any) -> None:
    assert sent(model, dialect, output_config={"effort": effort}).get("output_config") == expected


@pytest.mark.parametrize(
    ("effort", "expected"), [("low", "low"), ("medium", "medium"), ("xhigh", "high"), ("max", "high")]
)
def test_chat_servers_get_the_effort_in_their_own_words(effort: str, expected: str) -> None:
    assert effort in lookup("claude-opus-5-5", "openai_chat").efforts
    made = sent("claude-opus-5-5", "openai_chat", output_config={"effort": effort})
    assert made["reasoning_effort"] == expected and "output_config" not in made


def test_output_format_is_native_only() -> None:
    shape = {"format": {"type": "json_schema", "schema": {}}}
    assert sent(output_config=shape)["output_config"] == shape
    assert "output_config" not in sent(dialect="rockapi", output_config=shape)


@pytest.mark.parametrize(
    ("model", "dialect", "choice", "expected"),
    [
        ("claude-opus-5-5", "anthropic", {"type": "any"}, None),
        ("claude-opus-5", "anthropic", {"type": "any"}, {"type": "any"}),
        ("claude-opus-5-5", "anthropic", {"type": "none"}, {"type": "none"}),
        ("claude-sonnet-4-5", "anthropic", {"type": "tool", "name": "f"}, {"type": "tool", "name": "f"}),
        ("claude-sonnet-4-5", "ollama", {"type": "auto"}, None),
        ("unknown", "anthropic", {"type": "any"}, None),
    ],
)
def test_a_forced_choice_goes_only_to_models_that_take_it(
    model: str, dialect: str, choice: Any, expected: Any
) -> None:
    result = sent(model, dialect, tools=[TOOL], tool_choice=choice)
    assert result.get("tool_choice") == expected
    assert len(result["tools"]) == 1


def test_manual_thinking_and_a_forced_choice_exclude_each_other() -> None:
    result = sent("claude-sonnet-4-5", tools=[TOOL], tool_choice={"type": "any"}, thinking=ENABLED)
    assert "tool_choice" not in result and result["thinking"] == ENABLED


def test_where_there_is_no_choice_none_the_tools_stay_at_home() -> None:
    assert "tools" not in sent("claude-3-haiku", "rockapi", tools=[TOOL], tool_choice={"type": "none"})
    assert "tool_choice" not in sent(tool_choice={"type": "auto"})


def test_cache_marks_and_response_nulls_stay_with_the_native_api() -> None:
    block = {"type": "text", "text": "Hi", "citations": None, "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "user", "content": [block]}]
    native = sent(messages=messages, tools=[TOOL], cache_control={"type": "ephemeral"})
    assert native["messages"] == messages and native["tools"] == [TOOL] and "cache_control" in native
    other = sent(dialect="aimlapi", messages=messages, tools=[TOOL], cache_control={"type": "ephemeral"})
    assert other["messages"][0]["content"] == [{"type": "text", "text": "Hi"}]
    assert "cache_control" not in other["tools"][0] and "cache_control" not in other
    assert block["cache_control"], "the caller's blocks are not touched"
    assert sent(dialect="aimlapi")["messages"] == [{"role": "user", "content": "Hi"}]


def test_the_results_of_tools_lose_their_nulls_at_any_depth_and_what_was_asked_for_keeps_them() -> None:
    call = {"type": "server_tool_use", "id": "s_1", "name": "web_search", "input": {"query": None}}
    found = {
        "type": "web_search_result",
        "url": "https://example.org",
        "title": "T",
        "encrypted_content": "e",
    }
    result = {"type": "web_search_tool_result", "tool_use_id": "s_1", "content": [found]}
    nulls = result | {"caller": None, "content": [found | {"page_age": None}]}
    cited = {"type": "text", "text": "Hi", "citations": [{"type": "page_location", "document_title": None}]}
    other = {"type": "hologram", "data": [{"depth": None}]}
    messages = [{"role": "assistant", "content": [call, nulls, cited, other]}]
    assert sent(messages=messages)["messages"] == messages
    plain = sent(dialect="aimlapi", messages=messages)["messages"]
    assert plain == [{"role": "assistant", "content": [call, result, cited, other]}]


def test_what_was_cached_is_marked_where_the_end_is_too_far_from_it() -> None:
    """A cited answer is many blocks, and the mark at the end finds what is cached up to twenty blocks before it."""

    def turn(role: str, blocks: int) -> dict[str, Any]:
        return {"role": role, "content": [{"type": "text", "text": str(n)} for n in range(blocks)]}

    def marked(messages: list[dict[str, Any]], **fields: Any) -> list[tuple[int, int]]:
        found = sent(messages=messages, **{"cache_control": {"type": "ephemeral"}} | fields)["messages"]
        marks = [
            (at, place)
            for at, message in enumerate(found)
            for place, block in enumerate(message["content"])
            if block.pop("cache_control", None) == {"type": "ephemeral"}
        ]
        assert found == messages, "nothing else changes"
        return marks

    first = [turn("user", 1), turn("assistant", 40), turn("user", 3)]
    assert marked([*first, turn("assistant", 18), turn("user", 1)]) == []
    long = [*first, turn("assistant", 19), turn("user", 1)]
    assert marked(long) == [(2, 2)], "the end of the request before"
    assert "cache_control" not in long[2]["content"][2], "the caller's blocks are not touched"
    assert marked([*first, turn("assistant", 20)]) == [(2, 2)], "a paused answer goes on"
    assert marked([turn("user", 30)]) == []
    plain = [{"role": "user", "content": "Hi"}, turn("user", 30)]
    assert sent(messages=plain, cache_control={"type": "ephemeral"})["messages"] == plain
    assert marked(long, cache_control=None) == []
    assert marked(long, dialect="aimlapi") == []


def test_a_container_is_named_to_the_native_api_alone() -> None:
    named = [
        dialect for dialect in DIALECTS if "container" in sent("claude-opus-5", dialect, container="c_1")
    ]
    assert named == ["anthropic", "demo"]
    assert "container" not in sent("claude-opus-5")


def test_metadata_is_made_of_strings_for_aimlapi() -> None:
    assert sent(metadata={"user_id": "u"})["metadata"] == {"user_id": "u"}
    assert sent(dialect="aimlapi", metadata={"user_id": None, "n": 1})["metadata"] == {"n": "1"}
    assert "metadata" not in sent(dialect="aimlapi", metadata={"user_id": None})


@pytest.mark.parametrize(
    ("model", "dialect", "allowed"),
    [
        ("claude-opus-5-5", "anthropic", True),
        ("claude-opus-4-5", "aimlapi", True),
        ("claude-opus-4-5", "rockapi", False),
        ("llama-4", "ollama", False),
        ("unknown", "anthropic", False),
    ],
)
def test_a_document_is_refused_rather_than_dropped(model: str, dialect: str, allowed: bool) -> None:
    messages = [{"role": "user", "content": [DOCUMENT, {"type": "text", "text": "?"}]}]
    if allowed:
        assert sent(model, dialect, messages=messages)["messages"][0]["content"][0] == DOCUMENT
    else:
        with pytest.raises(UpstreamError) as caught:
            sent(model, dialect, messages=messages)
        assert caught.value.type == "invalid" and "documents" in caught.value.message


def test_chat_completions_get_their_own_words() -> None:
    history = [
        {"role": "user", "content": [PICTURE, {"type": "text", "text": "What?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "Let me "},
                {"type": "text", "text": "look."},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"city": "Rome"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "content": [{"type": "text", "text": "21 C"}, PICTURE],
                },
                {"type": "tool_result", "tool_use_id": "c2", "content": "broken", "is_error": True},
                {"type": "tool_result", "tool_use_id": "c3"},
                {"type": "text", "text": "And?"},
            ],
        },
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "alone", "signature": "s"}]},
        {"role": "user", "content": [{"type": "text", "text": "Only text"}]},
    ]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    result = sent(
        "gpt-x", "openai_chat", system="Be brief.", messages=history, stop_sequences=["1", "2", "3", "4", "5"],
        temperature=0.5, top_k=4, tools=[TOOL, {"type": "web_search_20250305", "name": "web_search"}],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        output_config={"effort": "max", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    )  # fmt: skip
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Rome"}'}}
    assert result == {
        "model": "gpt-x",
        "max_tokens": 4096,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [picture, {"type": "text", "text": "What?"}]},
            {"role": "assistant", "content": "Let me look.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "21 C"},
            {"role": "tool", "tool_call_id": "c2", "content": "Error: broken"},
            {"role": "tool", "tool_call_id": "c3", "content": ""},
            # The thinking between them is left out.
            {
                "role": "user",
                "content": [picture, {"type": "text", "text": "And?"}, {"type": "text", "text": "Only text"}],
            },
        ],
        "temperature": 0.5,
        "stop": ["1", "2", "3", "4"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_effort": "high",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}},
        },
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"type": "object"}},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
    }


@pytest.mark.parametrize(
    ("kind", "expected"), [("auto", "auto"), ("any", "required"), ("none", "none"), ("odd", None)]
)
def test_chat_tool_choices(kind: str, expected: str | None) -> None:
    assert (
        sent("gpt-x", "openai_chat", tools=[TOOL], tool_choice={"type": kind}).get("tool_choice") == expected
    )


def test_what_a_person_said_around_an_answer_that_is_left_out_is_one_chat_message() -> None:
    silent = {"role": "assistant", "content": [{"type": "web_search_tool_result", "tool_use_id": "s"}]}
    turns = [{"role": "user", "content": "One"}, silent, {"role": "user", "content": "Two"}, silent]
    messages = sent("gpt-x", "openai_chat", messages=[*turns, {"role": "user", "content": [PICTURE]}])[
        "messages"
    ]
    assert [message["role"] for message in messages] == ["user"]
    assert [part["type"] for part in messages[0]["content"]] == ["text", "text", "image_url"]
    assert turns[0] == {"role": "user", "content": "One"}, "the caller's turns are not touched"


def test_a_turn_of_tool_results_alone_is_no_user_message() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "21 C"}
    sent_messages = sent("gpt-x", "openai_chat", messages=[{"role": "user", "content": [result]}])["messages"]
    assert sent_messages == [{"role": "tool", "tool_call_id": "c1", "content": "21 C"}]


def test_chat_documents_urls_and_leftovers() -> None:
    content = [
        DOCUMENT | {"title": "a.pdf"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "image", "source": {"type": "url", "url": "https://x.org/p.png"}},
        {"type": "container_upload", "file_id": "f"},
    ]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "Hm"}]
    result = sent(
        "claude-opus-5-5", "openai_chat", messages=messages, tools=[{"type": "bash_20250124", "name": "bash"}]
    )
    assert result["messages"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
                },
                {"type": "text", "text": "words"},
                {"type": "image_url", "image_url": {"url": "https://x.org/p.png"}},
            ],
        },
        {"role": "assistant", "content": "Hm"},
    ]
    assert "tools" not in result

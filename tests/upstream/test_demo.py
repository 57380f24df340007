"""The demo answers like an upstream, says that it is none, and looks into pictures for real."""

from __future__ import annotations

import base64
import io
import re
import time
from typing import Any

import httpx
import pytest
from PIL import Image

from conversations.upstream.client import UpstreamClient
from conversations.upstream.demo.pictures import describe
from conversations.upstream.demo.samples import long_answer
from conversations.upstream.demo.transport import DemoTransport
from conversations.upstream.endpoint import Endpoint
from tests.upstream.conftest import request

DEMO = Endpoint("demo")


def picture(kind: str, colour: str, size: tuple[int, int] = (64, 48)) -> dict[str, Any]:
    stored = io.BytesIO()
    Image.new("RGB", size, colour).save(stored, kind)
    data = base64.b64encode(stored.getvalue()).decode()
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": f"image/{kind.lower()}", "data": data},
    }


async def test_it_introduces_itself_as_no_claude(ask: Any) -> None:
    outcome = await ask("Who are you?", endpoint=DEMO, model="demo")
    assert "not Claude" in outcome.text
    assert "> Who are you?" in outcome.text
    assert outcome.answer.usage["output_tokens"] > 10
    assert outcome.answer.complete


async def test_what_was_sent_counts_by_its_length(ask: Any) -> None:
    content = [picture("PNG", "black"), {"type": "text", "text": "word " * 4000}]
    assert (await ask(content, endpoint=DEMO)).answer.usage["input_tokens"] == 5_400


@pytest.mark.parametrize(
    ("kind", "colour", "expected"),
    [
        ("PNG", "#1e50dc", "mostly blue"),
        ("JPEG", "#28a03c", "mostly green"),
        ("GIF", "black", "mostly black"),
        ("WEBP", "#fae628", "mostly yellow"),
    ],
)
async def test_it_describes_what_a_picture_really_is(ask: Any, kind: str, colour: str, expected: str) -> None:
    content = [
        picture(kind, colour),
        picture("PNG", "white", (5, 7)),
        {"type": "text", "text": "What is this?"},
    ]
    text = (await ask(content, endpoint=DEMO)).text
    assert f"1. a {kind} picture, 64 × 48 pixels, {expected}" in text
    assert "2. a PNG picture, 5 × 7 pixels, mostly white" in text


async def test_a_document_is_received_unopened(ask: Any) -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    assert "1. a document" in (await ask([document], endpoint=DEMO, model="demo")).text


async def test_a_picture_alone_is_enough(ask: Any) -> None:
    text = (await ask([picture("PNG", "red")], endpoint=DEMO)).text
    assert "mostly red" in text and "You wrote" not in text


@pytest.mark.parametrize("data", ["", "????", "aGVsbG8=", base64.b64encode(b"%!PS-Adobe EPSF").decode()])
def test_what_is_no_picture_is_said_to_be_none(data: str) -> None:
    assert describe(data) == "a picture that cannot be read"


def test_a_huge_picture_is_not_decoded() -> None:
    stored = io.BytesIO()
    Image.new("1", (6000, 6000)).save(stored, "PNG")
    assert "too large" in describe(base64.b64encode(stored.getvalue()).decode())


def test_a_transparent_picture_has_the_colour_of_the_page() -> None:
    stored = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(stored, "PNG")
    assert "mostly white" in describe(base64.b64encode(stored.getvalue()).decode())


@pytest.mark.parametrize(
    ("text", "kinds", "stop_reason"),
    [
        ("/think", ["thinking", "text"], "end_turn"),
        ("/tool", ["text", "tool_use"], "tool_use"),
        ("/cite", ["server_tool_use", "web_search_tool_result", "text", "text", "text"], "end_turn"),
        ("/empty", [], "end_turn"),
        ("/refuse", ["text"], "refusal"),
        ("/max_tokens", ["text"], "max_tokens"),
        ("show me /help, please", ["text"], "end_turn"),
        ("a path like /usr/bin/help", ["text"], "end_turn"),
    ],
)
async def test_it_shows_every_kind_of_answer_on_request(
    ask: Any, text: str, kinds: list[str], stop_reason: str
) -> None:
    outcome = await ask(text, endpoint=DEMO)
    assert [block["type"] for block in outcome.answer.content] == kinds
    assert outcome.answer.stop_reason == stop_reason


async def test_help_names_every_command(ask: Any) -> None:
    text = (await ask("/help", endpoint=DEMO)).text
    for command in (
        "markdown",
        "think",
        "tool",
        "cite",
        "long",
        "slow",
        "error",
        "refuse",
        "max_tokens",
        "empty",
    ):
        assert f"/{command}" in text


async def test_markdown_and_long_answers_arrive_byte_for_byte(ask: Any) -> None:
    assert "| Rust |" in (await ask("/markdown", endpoint=DEMO)).text
    assert (await ask("/long", endpoint=DEMO)).text == long_answer()


async def test_thinking_that_is_asked_for_is_shown(ask: Any) -> None:
    outcome = await ask("Hm", endpoint=DEMO, model="demo", thinking={"type": "adaptive"})
    assert outcome.answer.content[0]["type"] == "thinking"
    assert outcome.answer.content[0]["signature"]


@pytest.mark.parametrize(
    ("text", "expected", "waits"),
    [
        ("/error 529", "busy", 2),
        ("/error 500", "service", 2),
        ("/error", "busy", 2),
        ("/error 401", "auth", 0),
        ("/error 404", "model", 0),
        ("/error 200", "service", 2),
    ],
)
async def test_it_fails_on_request(ask: Any, text: str, expected: str, waits: int) -> None:
    outcome = await ask(text, endpoint=DEMO)
    assert (outcome.error.type, len(outcome.waits)) == (expected, waits)


@pytest.mark.parametrize(
    "after", [[{"type": "text", "text": "And now?"}], [picture("PNG", "white")]], ids=["words", "a picture"]
)
async def test_after_a_failure_on_request_the_next_message_is_answered(
    ask: Any, after: list[dict[str, Any]]
) -> None:
    outcome = await ask([{"type": "text", "text": "/error 529"}, *after], endpoint=DEMO)
    assert outcome.error is None
    assert "/error" not in outcome.text


async def test_its_rate_limit_names_a_time() -> None:
    body = {"stream": True, "messages": [{"role": "user", "content": "/error 429"}]}
    reply = await DemoTransport().handle_async_request(httpx.Request("POST", "demo://demo", json=body))
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "5")


async def test_it_breaks_off_on_request(ask: Any) -> None:
    outcome = await ask("/error mid", endpoint=DEMO)
    assert outcome.error.type == "busy"
    assert outcome.text.startswith("This answer breaks off")


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "I was about to"}],
        [{"role": "user", "content": "Your previous answer was cut off. It ended with:\n\nI was about to"}],
    ],
    ids=["its own beginning", "a request to go on"],
)
async def test_a_broken_off_answer_goes_on(messages: list[dict[str, Any]]) -> None:
    body = {"stream": True, "messages": messages}
    reply = await DemoTransport(drip=0).handle_async_request(httpx.Request("POST", "demo://demo", json=body))
    text = (await reply.aread()).decode()
    assert "here the answer goes on" in "".join(re.findall(r'"text":"([^"]*)"', text))
    assert "You wrote" not in text


async def test_titles_come_from_the_words(client: UpstreamClient) -> None:
    title = await client.create(DEMO, request("<message>how do I cook rice, quickly and well?</message>"))
    assert title.text == "How do I cook rice quickly"
    assert (await client.create(DEMO, request("…"))).text == "A conversation with the demo"


async def test_the_natural_pace_drips_and_slow_is_slower() -> None:
    client = UpstreamClient(demo_drip=0.002)
    began = time.monotonic()
    batches = [batch async for batch in client.stream(DEMO, request("/max_tokens"))]
    plain = time.monotonic() - began
    assert len(batches) > 5
    began = time.monotonic()
    assert [batch async for batch in client.stream(DEMO, request("/slow /max_tokens"))]
    assert time.monotonic() - began > 2 * plain
    assert UpstreamClient().limits.total == 900

"""The client against a real server: happy paths, odd but legal answers, retries, closing."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import aclosing
from typing import Any

import pytest

from conversations.upstream.accumulator import Accumulator
from conversations.upstream.client import UpstreamClient, Wait
from conversations.upstream.endpoint import Endpoint
from conversations.upstream.errors import UpstreamError
from conversations.upstream.limits import Limits
from tests import patience
from tests.fake_upstream import FakeUpstream, wire
from tests.fake_upstream.steps import Close, Drip, Hang, Head, Load, Raw, Reply, Reset, Sleep
from tests.upstream.conftest import KEY, request

ANSWER = wire.text_answer("Hel", "lo")
WHOLE = b"".join(ANSWER)


async def test_a_streamed_answer_arrives_whole(ask: Any, upstream: FakeUpstream) -> None:
    outcome = await ask("Hi there", system="Be brief.")
    assert outcome.error is None
    assert outcome.text == "Hello from the fake upstream."
    assert outcome.answer.usage["input_tokens"] == 25
    assert (outcome.answer.model, outcome.answer.stop_reason) == ("claude-opus-5-5", "end_turn")
    [call] = upstream.calls
    assert call.body == {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Hi there"}],
        "system": "Be brief.",
        "stream": True,
    }
    assert (call.method, call.path) == ("POST", "/v1/messages")
    assert call.headers["x-api-key"] == KEY
    assert "authorization" not in call.headers
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert call.headers["accept-encoding"] == "identity"
    assert call.headers["content-type"] == "application/json"


async def test_nothing_comes_before_the_first_block_and_then_everything_at_once(
    ask: Any, upstream: FakeUpstream
) -> None:
    upstream.script(wire.message_start(), Sleep(0.05), wire.PING, Sleep(0.05), *ANSWER[1:])
    outcome = await ask()
    assert [event.type for event in outcome.events[:2]] == ["message_start", "content_block_start"]
    assert outcome.text == "Hello"


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_an_answer_in_tiny_packets(ask: Any, upstream: FakeUpstream, size: int) -> None:
    upstream.script(Drip(b"".join(wire.text_answer("né", "👩‍👩‍👧\u2028"))[:900], size=size), WHOLE[900:])
    upstream.script(Drip(b"".join(wire.text_answer("né", "👩‍👩‍👧\u2028")), size=size))
    await ask()
    assert (await ask()).text == "né👩‍👩‍👧\u2028"


@pytest.mark.parametrize(
    "steps",
    [
        [Head(chunked=False), WHOLE],
        [Head(headers={"content-length": str(len(WHOLE))}, chunked=False), WHOLE],
        [Raw(b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + WHOLE)],
        [Raw(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + WHOLE)],
        [Raw(b"HTTP/1.1 100 Continue\r\n\r\n"), Sleep(0.01), Head(), WHOLE],
        [Head(headers={"content-encoding": "identity"}), WHOLE],
        [Head(headers={"content-encoding": ""}), WHOLE],
        [Head(headers={"content-type": "text/plain"}), WHOLE],
        [Head(headers={"content-type": "application/json"}), b": hello\n\n" + WHOLE],
        [Head(201), WHOLE],
        [Head(), b"\xef\xbb\xbf" + WHOLE],
        [Head(), b"\r\n\r\n" + WHOLE.replace(b"\n", b"\r\n")],
        [Head(), WHOLE.removesuffix(b"\n\n")],
        [Head(), WHOLE, Hang()],
        [Head(), WHOLE + WHOLE],
        [Head(), WHOLE, Reset()],
        [Head(headers={"content-length": str(len(WHOLE) + 50)}, chunked=False), WHOLE],
        [Head(), b"".join(ANSWER).replace(wire.event("message_stop"), b"")],
        [Head(), b"".join(ANSWER).replace(wire.event("message_stop"), b""), Reset()],
    ],
)
async def test_every_legal_wrapping_of_an_answer_is_unwrapped(
    ask: Any, upstream: FakeUpstream, steps: Any
) -> None:
    upstream.script(*steps)
    outcome = await ask()
    assert outcome.error is None
    assert outcome.text == "Hello"
    assert outcome.answer.complete


@pytest.mark.parametrize(
    ("steps", "expected", "text"),
    [
        ([Head(headers={"content-encoding": "gzip"}), b"\x1f\x8b" * 1000], "protocol", ""),
        ([Reply(200, b"")], "protocol", ""),
        ([Head(), b"\n\n"], "protocol", ""),
        ([Head(), b"  <html>no</html>"], "protocol", ""),
        ([Head(200, {"content-type": "text/html"}), WHOLE], "protocol", ""),
        ([Reply(200, wire.error_body("overloaded_error", "Overloaded"))], "busy", ""),
        ([Reply(200, b'{"what": "ever"}')], "protocol", ""),
        ([Head(headers={"content-length": "5000"}, chunked=False), b"".join(ANSWER[:4])], "connection_lost", "Hel"),
        ([Head(), *ANSWER[:4], Close()], "connection_lost", "Hel"),
        ([Head(), *ANSWER[:4], Raw(b"nonsense\r\n")], "connection_lost", "Hel"),
        ([Head(), *ANSWER[:4], Raw(b"f" * 5000), Hang()], "connection_lost", "Hel"),
        ([Raw(b"SSH-2.0-OpenSSH\r\n\r\n")], "connection_lost", ""),
        ([Raw(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000), Hang()], "connection_lost", ""),
        ([Reply(204, b"")], "protocol", ""),
        ([Raw(b"HTTP/1.1 204 No Content\r\n\r\n"), Hang()], "protocol", ""),
        ([Head(), Sleep(0.05), Reset()], "connection_lost", ""),
        ([Head(), b": only a comment\n\n", Sleep(0.05), Reset()], "connection_lost", ""),
        ([Head(), wire.event("error", error={"type": "api_error", "message": "m"})], "service", ""),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_a_typed_error(
    ask: Any, upstream: FakeUpstream, steps: Any, expected: str, text: str
) -> None:
    for _ in range(3):
        upstream.script(*steps)
    outcome = await ask()
    assert (outcome.error.type, outcome.text) == (expected, text)
    if not text:
        assert "Continue" not in outcome.error.message
    assert all([await call.ended() for call in upstream.calls])


async def test_a_compressed_reason_is_not_quoted_as_noise(ask: Any, upstream: FakeUpstream) -> None:
    body = gzip.compress(wire.error_body("invalid_request_error", "max_tokens: must be positive"))
    upstream.script(Reply(400, body, {"content-encoding": "gzip"}))
    outcome = await ask()
    assert (outcome.error.type, outcome.error.status, outcome.error.detail) == ("invalid", 400, "")


@pytest.mark.parametrize("left_out", [3, 4, 5, 6])
async def test_an_event_that_is_cut_anywhere_is_a_lost_connection(
    ask: Any, upstream: FakeUpstream, left_out: int
) -> None:
    # Also behind a brace: the one that ends the delta in it, or one of the text.
    upstream.script(*ANSWER[:4], wire.text_delta("never}")[:-left_out])
    outcome = await ask()
    assert (outcome.error.type, outcome.text) == ("connection_lost", "Hel")


async def test_an_error_before_the_first_block_is_retried_and_its_start_is_not_seen_twice(
    ask: Any, upstream: FakeUpstream
) -> None:
    overloaded = wire.event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    upstream.script(wire.message_start(id="msg_first"), overloaded)
    upstream.script(overloaded)
    outcome = await ask()
    assert outcome.text == "Hello from the fake upstream."
    assert outcome.answer.message_id == "msg_fake"
    assert [event.type for event in outcome.events].count("message_start") == 1
    assert [wait.error.type for wait in outcome.waits] == ["busy", "busy"]


async def test_a_start_without_content_is_still_seen_when_all_fails(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(wire.message_start())
    outcome = await ask()
    assert (outcome.error.type, [event.type for event in outcome.events]) == (
        "connection_lost",
        ["message_start"],
    )
    assert outcome.error.message.endswith("Try again.")


async def test_a_connection_closed_without_an_answer_is_opened_again_once(
    ask: Any, upstream: FakeUpstream
) -> None:
    upstream.script(Close())
    assert (await ask()).text == "Hello from the fake upstream."
    assert len(upstream.calls) == 2
    for _ in range(3):
        upstream.script(Reset())
    outcome = await ask()
    assert (outcome.error.type, len(upstream.calls)) == ("connection_lost", 4)


async def test_what_one_fault_allows_another_does_not_use_up(ask: Any, upstream: FakeUpstream) -> None:
    busy, limited = Reply(529, b""), Reply(429, b"", {"retry-after": "0.2"})
    for later in (limited, Reset()):
        upstream.calls.clear()
        upstream.script(busy)
        upstream.script(later)
        outcome = await ask()
        assert (outcome.error, len(upstream.calls)) == (None, 3)
        assert outcome.text == "Hello from the fake upstream."
    upstream.calls.clear()
    for step in (limited, busy, limited):
        upstream.script(step)
    assert ((await ask()).error.type, len(upstream.calls)) == ("limit", 3), "two retries in all"


async def test_nobody_needs_to_listen_for_waits(client: UpstreamClient, upstream: FakeUpstream) -> None:
    upstream.script(Reply(529, b""))
    batches = [batch async for batch in client.stream(Endpoint("anthropic", upstream.url), request())]
    assert batches and len(upstream.calls) == 2


async def test_chunk_sizes_may_come_alone(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(
        Head(),
        Raw(b"%x\r\n" % len(WHOLE)),
        Sleep(0.02),
        Raw(WHOLE[:9]),
        Sleep(0.02),
        Raw(WHOLE[9:] + b"\r\n0\r\n\r\n"),
    )
    assert (await ask()).text == "Hello"


async def test_a_server_that_forbids_retries_is_obeyed(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(Reply(529, wire.error_body("overloaded_error", "x"), {"x-should-retry": "false"}))
    assert (await ask()).error.type == "busy"
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("limits", [Limits(connect=1)])
async def test_an_error_body_that_dribbles_is_not_waited_for(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(Head(400, {"content-type": "application/json"}), b'{"type":', Hang())
    async with asyncio.timeout(Limits().silence / 2):
        assert (await ask()).error.type == "invalid"


async def test_an_error_body_without_end_is_cut(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(Head(400), *[b"x" * 60_000] * 4, Hang())
    assert (await ask()).error.type == "invalid"


async def test_json_for_a_streaming_request_reads_like_a_stream(ask: Any, upstream: FakeUpstream) -> None:
    for content_type in ("application/json", "text/event-stream", "text/plain"):
        upstream.script(Reply(200, wire.message_body("Hello"), content_type=content_type))
        outcome = await ask()
        assert (outcome.text, outcome.answer.complete, outcome.answer.usage["output_tokens"]) == (
            "Hello",
            True,
            5,
        )
    upstream.script(Reply(200, wire.chat_body("Hello")))
    assert (await ask()).text == "Hello"
    upstream.script(Reply(200, wire.message_body("Hello"), {"x-aimlapi-usd-spent": "0.25"}))
    assert (await ask()).answer.meta == {"usage": {"usd_spent": 0.25}}
    upstream.script(Reply(200, wire.message_body("Hello"), {"x-aimlapi-credits-used": "1576"}))
    assert (await ask()).answer.meta == {"usage": {"credits_used": 1576}}
    upstream.script(Reply(200, wire.message_body("Hello"), {"x-aimlapi-usd-spent": "much"}))
    assert (await ask()).answer.meta == {}


BILL = b"data: " + wire.data({"meta": {"usage": {"usd_spent": 0.25}}})


@pytest.mark.parametrize(
    "rest",
    [
        [BILL + b"\n\n"],
        [BILL],
        [wire.PING, Sleep(0.05), BILL + b"\n\n", Hang()],
        [wire.event("ping", meta={"usage": {"usd_spent": 0.25}}), Hang()],
    ],
)
async def test_what_aimlapi_says_of_the_cost_may_come_after_the_end(
    ask: Any, upstream: FakeUpstream, rest: Any
) -> None:
    upstream.script(WHOLE, Sleep(0.05), *rest)
    outcome = await ask(endpoint=Endpoint("aimlapi", upstream.url, KEY))
    assert (outcome.error, outcome.text) == (None, "Hello")
    assert outcome.answer.meta == {"usage": {"usd_spent": 0.25}}


@pytest.mark.parametrize("limits", [Limits()])
@pytest.mark.parametrize(
    "rest", [[], [Hang()], [Reset()], [b"data: {,}\n\n", Hang()], [wire.event("error", error={}), Hang()]]
)
async def test_a_cost_that_nobody_tells_is_not_waited_for_long(
    ask: Any, upstream: FakeUpstream, rest: Any
) -> None:
    upstream.script(WHOLE, Sleep(0.05), *rest)
    async with asyncio.timeout(Limits().silence / 2):
        outcome = await ask(endpoint=Endpoint("aimlapi", upstream.url, KEY))
    assert (outcome.error, outcome.text, outcome.answer.meta) == (None, "Hello", {})


@pytest.mark.parametrize(
    "rest", [b"data: {,}\n\n", wire.event("error", error={"type": "api_error"}), b"data: []\n\n"]
)
async def test_nothing_after_the_end_makes_a_whole_answer_fail(
    ask: Any, upstream: FakeUpstream, rest: bytes
) -> None:
    upstream.script(WHOLE + rest)
    outcome = await ask()
    assert (outcome.error, outcome.text, outcome.answer.complete) == (None, "Hello", True)


async def test_json_without_end_is_too_large(upstream: FakeUpstream) -> None:
    client = UpstreamClient(Limits(max_answer_bytes=1000, max_event_bytes=1000).scaled(0.01))
    upstream.script(
        Head(headers={"content-type": "application/json"}), b'{"content":"', *[b"x" * 1000] * 9, Hang()
    )
    with pytest.raises(UpstreamError) as caught:
        async for _ in client.stream(Endpoint("anthropic", upstream.url), request()):
            pass
    assert caught.value.type == "too_large"


@pytest.mark.parametrize("length", [1000, 1001, 1500])
async def test_json_over_the_limit_of_an_answer_is_kept_up_to_it(upstream: FakeUpstream, length: int) -> None:
    client = UpstreamClient(Limits(max_answer_bytes=1000, max_event_bytes=1000).scaled(0.01))
    upstream.script(Reply(200, wire.message_body("x" * length)))
    answer, failure = Accumulator(), ""
    try:
        async for events in client.stream(Endpoint("anthropic", upstream.url), request()):
            answer.extend(events)
    except UpstreamError as error:
        failure = error.type
    assert (answer.text, failure) == ("x" * 1000, "limit" if length > 1000 else "")


async def test_a_request_of_the_limit_goes_out_and_one_byte_more_does_not(upstream: FakeUpstream) -> None:
    endpoint = Endpoint(dialect="anthropic", base_url=upstream.url, api_key=KEY)
    asked = request('"\n' * 100)
    await UpstreamClient(Limits()).create(endpoint, asked)
    size = int(upstream.calls[0].headers["content-length"])
    await UpstreamClient(Limits(max_request_bytes=size)).create(endpoint, asked)
    with pytest.raises(
        UpstreamError, match="too large for the model service: 0.1 MB, the limit is "
    ) as caught:
        await UpstreamClient(Limits(max_request_bytes=size - 1)).create(endpoint, asked)
    assert caught.value.type == "size" and len(upstream.calls) == 2


async def test_the_chat_dialect_streams_too(ask: Any, upstream: FakeUpstream) -> None:
    outcome = await ask("Hi", endpoint=Endpoint("openai_chat", upstream.url, KEY))
    assert outcome.text == "Hello from the fake upstream."
    assert outcome.answer.stop_reason == "end_turn"
    [call] = upstream.calls
    assert (call.path, call.headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert call.body["stream_options"] == {"include_usage": True}


async def test_a_chat_stream_on_a_messages_route_is_understood(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(*wire.chat_answer("Hel", "lo"))
    assert (await ask()).text == "Hello"


@pytest.mark.parametrize(
    "before",
    [
        wire.PING,
        b"event: ping\ndata: {}\n\n",
        b": a comment\n\n" + b'data: {"id":"x","object":"chat.completion.chunk","meta":null}\n\n',
    ],
)
@pytest.mark.parametrize("pause", [0, 0.05])
@pytest.mark.parametrize("dialect", ["openai_chat", "aimlapi"])
async def test_what_a_chat_stream_begins_with_does_not_hide_it(
    ask: Any, upstream: FakeUpstream, before: bytes, pause: float, dialect: str
) -> None:
    upstream.script(before, Sleep(pause), *wire.chat_answer("Hel", "lo"))
    outcome = await ask(endpoint=Endpoint(dialect, upstream.url, KEY))
    assert (outcome.error, outcome.text, outcome.answer.model) == (None, "Hello", "gpt-fake")


async def test_a_chat_stream_may_name_its_events(ask: Any, upstream: FakeUpstream) -> None:
    upstream.script(*[b"event: message\n" + chunk for chunk in wire.chat_answer("Hel", "lo")])
    assert (await ask(endpoint=Endpoint("openai_chat", upstream.url, KEY))).text == "Hello"


async def test_a_messages_stream_may_talk_about_choices(ask: Any, upstream: FakeUpstream) -> None:
    nameless = b"".join(wire.text_answer('{"choices": [', "1]}")).replace(b"event: ", b"x: ")
    upstream.script(wire.PING, Sleep(0.05), nameless)
    assert (await ask()).text == '{"choices": [1]}'


@pytest.mark.parametrize(
    "first",
    [
        b'data: {"type":"ping"}\n\n',
        b'data: {"id":"x","object":"chat.completion.chunk"}\n\n',
        b"event: message\n",
        b'event: message\ndata: {"choices":[]}\n\n',
    ],
)
async def test_a_chat_stream_is_one_however_it_begins(ask: Any, upstream: FakeUpstream, first: bytes) -> None:
    upstream.script(first, *wire.chat_answer("Hel", "lo"))
    outcome = await ask(endpoint=Endpoint("openai_chat", upstream.url, KEY))
    assert (outcome.text, outcome.answer.stop_reason, outcome.error) == ("Hello", "end_turn", None)


async def test_a_messages_stream_on_a_chat_route_is_understood(ask: Any, upstream: FakeUpstream) -> None:
    for answer in (
        wire.text_answer("Hel", "lo"),
        [one.partition(b"\n")[2] for one in wire.text_answer("Hello")],
    ):
        upstream.script(*answer)
        assert (await ask(endpoint=Endpoint("openai_chat", upstream.url, KEY))).text == "Hello"


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
@pytest.mark.parametrize(
    "error", [b'data: {"error":"boom"}\n\n', b'event: error\ndata: {"message":"boom"}\n\n']
)
async def test_an_error_in_few_words_is_one_in_the_middle_and_at_the_start(
    ask: Any, upstream: FakeUpstream, dialect: str, error: bytes
) -> None:
    endpoint = Endpoint(dialect, upstream.url, KEY)
    begun = [wire.message_start(), wire.block_start(), wire.text_delta("Some")]
    upstream.script(*(begun if dialect == "anthropic" else [wire.chat_delta(content="Some")]), error)
    outcome = await ask(endpoint=endpoint)
    assert (outcome.text, outcome.error.type, outcome.error.detail) == ("Some", "service", "boom")
    upstream.calls.clear()
    for _ in range(3):
        upstream.script(error)
    outcome = await ask(endpoint=endpoint)
    assert (outcome.error.type, outcome.error.detail, len(upstream.calls)) == ("service", "boom", 3)


async def test_create_gives_one_reply(client: UpstreamClient, upstream: FakeUpstream) -> None:
    reply = await client.create(Endpoint("anthropic", upstream.url, KEY), request())
    assert (reply.text, reply.usage["output_tokens"], reply.request_id) == ("A short title", 5, "req_fake")
    assert "stream" not in upstream.calls[0].body
    assert (
        await client.create(Endpoint("openai_chat", upstream.url, KEY), request())
    ).text == "A short title"


async def test_create_understands_a_stream_it_did_not_ask_for(
    client: UpstreamClient, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "steps_for", lambda call: [Head(), *ANSWER])
    reply = await client.create(Endpoint("anthropic", upstream.url), request())
    assert (reply.text, reply.stop_reason, reply.model) == ("Hello", "end_turn", "claude-opus-5-5")


async def test_create_retries_and_gives_up_like_stream(
    client: UpstreamClient, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [Reply(529, wire.error_body("overloaded_error", "x"))]
    answers = iter([busy, [Reply(200, wire.message_body("Hi"))], busy, busy, busy])
    monkeypatch.setattr(upstream, "steps_for", lambda call: next(answers))
    assert (await client.create(Endpoint("anthropic", upstream.url), request())).text == "Hi"
    with pytest.raises(UpstreamError) as caught:
        await client.create(Endpoint("anthropic", upstream.url), request())
    assert (caught.value.type, len(upstream.calls)) == ("busy", 5)


async def test_closing_the_iterator_closes_the_connection(
    client: UpstreamClient, upstream: FakeUpstream
) -> None:
    upstream.script(Head(), Load(100_000, 0.005))
    async with aclosing(client.stream(Endpoint("anthropic", upstream.url), request())) as batches:
        async for _ in batches:
            break
    assert await upstream.calls[0].ended()
    assert not upstream.calls[0].finished


@pytest.mark.parametrize("steps", [[Hang()], [Head(), Hang()], [Head(), *ANSWER[:3], Hang()]])
async def test_cancelling_closes_the_connection_at_once(
    client: UpstreamClient, upstream: FakeUpstream, steps: Any
) -> None:
    upstream.script(*steps)

    async def read() -> None:
        async for _ in client.stream(Endpoint("anthropic", upstream.url), request()):
            pass

    task = asyncio.create_task(read())
    while not upstream.calls:  # noqa: ASYNC110 - the server lives in another thread
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await upstream.calls[0].ended()


async def test_cancelling_a_pause_before_a_retry_ends_it(
    client: UpstreamClient, upstream: FakeUpstream
) -> None:
    waiting = asyncio.Event()

    async def told(_: Wait) -> None:
        waiting.set()

    async def read() -> None:
        async for _ in client.stream(
            Endpoint("anthropic", upstream.url), request("fault:9:30"), on_wait=told
        ):
            pass

    task = asyncio.create_task(read())
    await asyncio.wait_for(waiting.wait(), patience.SECONDS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(upstream.calls) == 1


async def test_time_in_the_readers_hands_is_not_the_upstreams_silence(upstream: FakeUpstream) -> None:
    client = UpstreamClient(Limits(silence=0.5, progress=0.5, first_byte=0.5))
    upstream.script(*ANSWER[:3], Sleep(0.8), *ANSWER[3:])
    text = ""
    async for batch in client.stream(Endpoint("anthropic", upstream.url), request()):
        await asyncio.sleep(0.7)
        text += "".join(event.delta.text for event in batch if event.type == "content_block_delta")  # type: ignore[union-attr]
    assert text == "Hello"


async def test_a_slow_reader_slows_the_upstream_down_and_loses_nothing(
    client: UpstreamClient, upstream: FakeUpstream
) -> None:
    upstream.script(Head(), Load(150_000, 0))
    deltas = 0
    async for batch in client.stream(Endpoint("anthropic", upstream.url), request()):
        if not deltas:
            await asyncio.sleep(0.3)
            sent = upstream.calls[0].bytes_sent
            await asyncio.sleep(0.2)
            assert upstream.calls[0].bytes_sent == sent
            assert sent < 12 * 2**20  # what sockets hold; the whole is 20 MB
        deltas += sum(event.type == "content_block_delta" for event in batch)
    assert deltas == 150_000


async def test_proxies_of_the_environment_are_not_used(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await ask()).error is None


async def test_text_that_cannot_be_encoded_is_repaired_on_the_way_out(
    ask: Any, upstream: FakeUpstream
) -> None:
    assert (await ask("a\ud800b")).error is None
    assert upstream.calls[0].body["messages"][0]["content"] == "a\ufffdb"


async def test_fifty_streams_at_once_stay_apart(client: UpstreamClient, upstream: FakeUpstream) -> None:
    async def read(number: int) -> str:
        text = ""
        async for batch in client.stream(Endpoint("anthropic", upstream.url), request(f"load:{number}:1")):
            text += "".join(event.delta.text for event in batch if event.type == "content_block_delta")  # type: ignore[union-attr]
        return text

    texts = await asyncio.gather(*(read(number) for number in range(1, 51)))
    for number, text in enumerate(texts, 1):
        assert [int(index) for index in text.split()[::2]] == list(range(number))


async def test_a_name_with_a_good_certificate_works_over_tls(
    upstream: FakeUpstream, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    from conversations.upstream import transport
    from tests.upstream.certificates import self_signed

    pem = self_signed(tmp_path, "localhost")
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    monkeypatch.setattr(transport, "ssl_context", lambda: trusting)
    client = UpstreamClient(Limits())
    with FakeUpstream(tls=server_context) as server:
        endpoint = Endpoint("anthropic", f"https://localhost:{server.port}")
        texts = [event.type async for batch in client.stream(endpoint, request()) for event in batch]
        assert texts[-1] == "message_stop"
        with pytest.raises(UpstreamError) as caught:
            async for _ in client.stream(Endpoint("anthropic", server.url), request()):
                pass
    assert caught.value.type == "tls"

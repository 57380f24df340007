"""The fault table (promises section 6) at the client: what arrives, what is raised, how many tries, how long it takes.

The waiting time that a row is about is a hundredth of the real one, so a bound of 60 s is one of 0.6 s there.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conversations.upstream.client import UpstreamClient
from conversations.upstream.endpoint import Endpoint
from conversations.upstream.errors import UpstreamError
from conversations.upstream.limits import Limits
from conversations.upstream.model_list import list_models
from tests.fake_upstream import FakeUpstream
from tests.upstream.certificates import self_signed
from tests.upstream.conftest import KEY

pytestmark = pytest.mark.usefixtures("upstream")


# Nobody waits so long, and a machine that is taken away for a moment breaks none of them.
LONG = replace(Limits().scaled(0.2), backoff=0.005, backoff_cap=0.08)


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Limits:
    return replace(LONG, **getattr(request, "param", {}))


def bound(**seconds: float) -> pytest.MarkDecorator:
    """The one waiting time that a row is about."""
    return pytest.mark.parametrize("limits", [seconds], indirect=True, ids=seconds)


@pytest.fixture
def blackhole() -> Iterator[str]:
    """An address that takes no more connections and does not refuse them either."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_01_a_name_that_nobody_knows(ask: Any) -> None:
    outcome = await ask(endpoint=Endpoint("anthropic", "http://nowhere.invalid", KEY))
    assert outcome.error.type == "connect"
    assert len(outcome.waits) <= 2
    assert not outcome.events


async def test_02_a_refused_connection_is_tried_three_times(ask: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = await ask(
            endpoint=Endpoint("anthropic", f"http://127.0.0.1:{unused.getsockname()[1]}", KEY)
        )
    assert outcome.error.type == "connect"
    assert len(outcome.waits) == 2


@bound(connect=0.3)
async def test_03_a_blackhole_is_tried_twice(ask: Any, blackhole: str) -> None:
    began = time.monotonic()
    outcome = await ask(endpoint=Endpoint("anthropic", blackhole, KEY))
    assert outcome.error.type == "connect"
    assert len(outcome.waits) == 1
    assert time.monotonic() - began >= 0.6


async def test_04_plain_http_behind_https_is_a_tls_error_without_retry(
    ask: Any, upstream: FakeUpstream
) -> None:
    outcome = await ask(endpoint=Endpoint("anthropic", upstream.url.replace("http", "https"), KEY))
    assert (outcome.error.type, outcome.waits) == ("tls", [])
    assert outcome.error.admin_message


async def test_04_an_unknown_certificate_is_a_tls_error_without_retry(ask: Any, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with FakeUpstream(tls=context) as server:
        outcome = await ask(endpoint=Endpoint("anthropic", server.url, KEY))
    assert (outcome.error.type, outcome.waits) == ("tls", [])
    assert not server.calls


async def test_04_the_list_of_models_says_so_as_well(upstream: FakeUpstream, limits: Limits) -> None:
    endpoint = Endpoint("anthropic", upstream.url.replace("http", "https"), KEY)
    with pytest.raises(UpstreamError) as refused:
        await list_models(endpoint, limits)
    assert refused.value.type == "tls"


@bound(first_byte=0.6)
async def test_16_a_list_of_models_that_does_not_come_is_a_timeout(limits: Limits) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = Endpoint("anthropic", f"http://127.0.0.1:{silent.getsockname()[1]}", KEY)
        with pytest.raises(UpstreamError) as refused:
            await list_models(endpoint, limits)
    assert refused.value.type == "timeout"


@pytest.mark.parametrize(
    ("fault", "expected", "calls"),
    [
        ("fault:5", "invalid", 1),
        ("fault:6", "auth", 1),
        ("fault:6:403", "auth", 1),
        ("fault:7", "model", 1),
        ("fault:8", "size", 1),
        ("fault:10", "limit", 1),
        ("fault:11", "spend", 1),
        ("fault:12", "service", 3),
        ("fault:12:502", "service", 3),
        ("fault:12:503", "service", 3),
        ("fault:13", "busy", 3),
        ("fault:14", "protocol", 1),
        ("fault:15", "protocol", 1),
        ("fault:15:301", "protocol", 1),
    ],
)  # fmt: skip
async def test_05_to_15_refusals_have_their_type_and_their_number_of_tries(
    ask: Any, upstream: FakeUpstream, fault: str, expected: str, calls: int
) -> None:
    outcome = await ask(fault)
    assert outcome.error.type == expected
    assert not outcome.events
    assert len(upstream.calls) == calls
    assert len(outcome.waits) == calls - 1
    assert all(call.path == "/v1/messages" for call in upstream.calls), "the key went nowhere else"
    shown = outcome.error.message + outcome.error.admin_message + outcome.error.detail + repr(outcome.error)
    assert KEY not in shown and "wifi" not in shown


async def test_05_the_reason_is_told(ask: Any) -> None:
    assert "max_tokens: must be positive" in (await ask("fault:5")).error.message


async def test_08_the_size_is_told(ask: Any) -> None:
    assert "0.5 MB" in (await ask("fault:8 " + "x" * 500_000)).error.message


async def test_09_a_short_limit_is_waited_for_once(ask: Any, upstream: FakeUpstream) -> None:
    began = time.time()
    outcome = await ask("fault:9:0.3")
    assert outcome.error is None
    assert outcome.text == "Hello from the fake upstream."
    waited = upstream.calls[1].received_at - upstream.calls[0].received_at
    assert waited >= 0.3
    assert len(outcome.waits) == 1
    assert began + 0.3 <= outcome.waits[0].retry_at <= time.time()
    assert outcome.waits[0].error.type == "limit"


async def test_09_a_limit_that_stays_is_not_waited_for_twice(ask: Any, upstream: FakeUpstream) -> None:
    outcome = await ask("fault:9:0.1*9")
    assert (outcome.error.type, len(upstream.calls)) == ("limit", 2)


async def test_10_a_long_limit_says_until_when(ask: Any) -> None:
    error = (await ask("fault:10")).error
    assert error.retry_at == pytest.approx(time.time() + 3600, abs=30)
    assert "until" in error.message


@pytest.mark.parametrize("fault", ["fault:12*2", "fault:13*1"])
async def test_12_and_13_a_retry_that_works_is_all_that_anybody_sees(
    ask: Any, upstream: FakeUpstream, fault: str
) -> None:
    outcome = await ask(fault)
    assert outcome.error is None
    assert outcome.text == "Hello from the fake upstream."
    assert len(upstream.calls) == 1 + int(fault[-1])
    assert [event.type for event in outcome.events].count("message_start") == 1


@bound(first_byte=0.6)
async def test_16_headers_then_silence(ask: Any, upstream: FakeUpstream) -> None:
    began = time.monotonic()
    outcome = await ask("fault:16")
    assert outcome.error.type == "timeout"
    assert "No answer for" in outcome.error.message
    assert time.monotonic() - began >= 0.6
    assert (len(upstream.calls), outcome.waits) == (1, [])


@bound(first_byte=0.6)
async def test_16_no_headers_at_all(ask: Any, upstream: FakeUpstream) -> None:
    from tests.fake_upstream.steps import Hang

    upstream.script(Hang())
    began = time.monotonic()
    outcome = await ask()
    assert outcome.error.type == "timeout"
    assert time.monotonic() - began >= 0.6
    assert len(upstream.calls) == 1


@bound(silence=0.6)
async def test_17_silence_after_some_text(ask: Any) -> None:
    began = time.monotonic()
    outcome = await ask("fault:17")
    assert (outcome.error.type, outcome.text) == ("stalled", "Some text")
    assert time.monotonic() - began >= 0.6


@pytest.mark.parametrize(
    ("variant", "expected", "text"),
    [("late", "stalled", "Some text"), ("early", "timeout", ""), ("empty", "stalled", "Some text")],
)
@bound(progress=1.8)
async def test_18_pings_are_no_progress(ask: Any, variant: str, expected: str, text: str) -> None:
    began = time.monotonic()
    outcome = await ask(f"fault:18:{variant}")
    assert (outcome.error.type, outcome.text) == (expected, text)
    assert time.monotonic() - began >= 1.8
    assert outcome.events[0].type == "message_start"


@pytest.mark.parametrize(("kind", "expected"), [("overloaded_error", "busy"), ("api_error", "service")])
async def test_19_an_error_event_in_mid_stream(
    ask: Any, upstream: FakeUpstream, kind: str, expected: str
) -> None:
    outcome = await ask(f"fault:19:{kind}")
    assert (outcome.error.type, outcome.text) == (expected, "Some text")
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("row", [20, 21, 22])
async def test_20_to_22_broken_off(ask: Any, upstream: FakeUpstream, row: int) -> None:
    outcome = await ask(f"fault:{row}")
    assert (outcome.error.type, outcome.text) == ("connection_lost", "Some text")
    assert not outcome.answer.complete
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("fault", ["23", "24", "30", "30:twice", "30:order", "30:stop", "30:closed"])
async def test_23_24_30_garbled(ask: Any, upstream: FakeUpstream, fault: str) -> None:
    outcome = await ask(f"fault:{fault}")
    assert (outcome.error.type, outcome.text) == ("garbled", "Some text")
    assert outcome.error.request_id == "req_fake"
    assert await upstream.calls[0].ended()


async def test_25_a_character_cut_between_packets(ask: Any) -> None:
    outcome = await ask("fault:25")
    assert outcome.error is None
    assert outcome.text == "né 👩‍👩‍👧 end"


async def test_26_a_line_without_end(ask: Any, upstream: FakeUpstream) -> None:
    outcome = await ask("fault:26")
    assert (outcome.error.type, outcome.text) == ("too_large", "Some text")
    assert await upstream.calls[0].ended()
    assert upstream.calls[0].bytes_sent < 12 * 2**20


async def test_27_an_answer_without_end(ask: Any, upstream: FakeUpstream) -> None:
    outcome = await ask("fault:27")
    assert outcome.error.type == "limit"
    assert 4 * 2**20 - 200 < len(outcome.text.encode()) <= 4 * 2**20
    assert await upstream.calls[0].ended()


@bound(total=1.0)
async def test_28_a_slow_drip_streams_until_the_total_limit(ask: Any) -> None:
    began = time.monotonic()
    outcome = await ask("fault:28:0.0005")
    assert outcome.error.type == "timeout"
    assert "minutes" in outcome.error.message
    assert time.monotonic() - began >= 1.0
    assert ("slow" * 40).startswith(outcome.text)


async def test_29_what_nobody_knows_is_counted_and_the_rest_is_right(
    ask: Any, client: UpstreamClient
) -> None:
    outcome = await ask("fault:29")
    assert outcome.error is None
    assert outcome.answer.complete
    assert outcome.text == "Known."
    assert outcome.answer.content[0] == {"type": "hologram", "data": {"depth": 3}}
    assert client.ignored == {"event weather_report": 1, "delta hologram_delta": 1, "delta aroma_delta": 1}


async def test_31_an_empty_answer_is_complete(ask: Any) -> None:
    outcome = await ask("fault:31")
    assert outcome.error is None
    assert (outcome.answer.content, outcome.answer.stop_reason, outcome.answer.complete) == (
        [],
        "end_turn",
        True,
    )


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "pause_turn", "from_the_future"])
async def test_32_stop_reasons_come_through(ask: Any, reason: str) -> None:
    outcome = await ask(f"fault:32:{reason}")
    assert outcome.error is None
    assert (outcome.answer.stop_reason, outcome.answer.complete, outcome.text) == (reason, True, "Some text")


async def test_33_a_call_with_broken_input_is_marked(ask: Any) -> None:
    outcome = await ask("fault:33")
    assert outcome.answer.invalid_inputs == {0: '{"city": "Ro'}


async def test_34_a_hundred_thousand_events(ask: Any) -> None:
    outcome = await ask("fault:34")
    assert outcome.error is None
    assert outcome.text == "0123456789" * 10_000
    assert outcome.batches < 2_000

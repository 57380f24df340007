"""The fault table end to end (promises section 6, all rows but 33): what is stored, what the open page is told, how
often the upstream was asked. Time limits run at a hundredth.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conversations.live import replay
from conversations.models import Generation, GenerationStatus, LanguageModel, Message, Provider, UsageRecord
from conversations.models.message import told_to_all
from tests.clients import Frame
from tests.fake_upstream import FakeUpstream, wire
from tests.fake_upstream.steps import Close, Drip, Hang, Raw, Repeat, Reply, Reset, Sleep
from tests.services import free_port
from tests.upstream.certificates import self_signed
from tests.world import World

KEY = "sk-canary-0123456789abcdef"
KEPT = "Some text"


@dataclass
class Seen:
    """One answer that has ended, from all sides."""

    frames: list[Frame]
    generation: Generation
    calls: int
    seconds: float

    @property
    def stop(self) -> Frame:
        return self.frames[-1]

    @property
    def text(self) -> str:
        """The text that the open page has shown."""
        return "".join(
            frame["delta"].get("text", "") for frame in self.frames if frame["type"] == "content_block_delta"
        )


def ask(world: World, text: str = "Hello") -> Seen:
    """Sends and follows the answer to its end over a websocket that was open before."""
    first = world.alice.start("Hi")
    world.ended(first)
    world.upstream.calls.clear()
    page = world.socket(world.alice, first["conversation"])
    page.frame()
    began = time.monotonic()
    sent = world.alice.send(first["conversation"], text)
    frames = page.until("message_stop")
    took = time.monotonic() - began
    mine = [frame for frame in frames if frame.get("generation") == sent["generation"]]
    generation = Generation.objects.select_related("message").get(pk=sent["generation"])
    frames = [frame for frame in mine if frame["type"] != "message_created"]
    seen = Seen(frames, generation, len(world.asked()), took)
    check_what_always_holds(seen)
    # A title, say, may follow; another event of this answer may not.
    page.send("not a command")
    late = page.until("error")
    assert not [f for f in late if f.get("generation") == sent["generation"] and f["type"] != "block_html"]
    page.close()
    return seen


def check_what_always_holds(seen: Seen) -> None:
    """One start, one stop, rising numbers, the shown text is the stored text, the error is the stored one, no key."""
    message = seen.generation.message
    numbered = [frame for frame in seen.frames if frame["type"] not in ("block_html", "generation_status")]
    numbers = [frame["seq"] for frame in numbered]
    assert numbers == sorted(set(numbers))
    assert [f["type"] for f in numbered].count("message_start") == 1
    assert numbered[0]["type"] == "message_start"
    assert [f["type"] for f in numbered].count("message_stop") == 1
    assert not [frame for frame in seen.frames if frame["type"] == "error"]
    assert seen.text == message.text
    assert seen.stop["seq"] == seen.generation.last_seq
    assert seen.stop["status"] == seen.generation.status == message.status
    assert message.error == seen.generation.error
    assert seen.stop["error"] == told_to_all(message.error)
    assert seen.stop["stop_reason"] == (message.stop_reason or None)
    assert seen.stop["usage"] == message.usage
    assert seen.stop["cost"] == message.cost_microdollars
    assert seen.generation.lease_until is None
    assert not seen.generation.events.exists()
    assert KEY not in repr(seen.frames) + repr(message.error)


def failed(seen: Seen, type: str, calls: int = 1) -> None:
    assert (seen.generation.status, seen.stop["error"]["type"]) == (GenerationStatus.FAILED, type)
    assert seen.generation.message.content == []
    assert seen.calls == calls
    sentence(seen)


def kept(seen: Seen, type: str, text: str = KEPT) -> None:
    assert (seen.generation.status, seen.stop["error"]["type"]) == (GenerationStatus.INTERRUPTED, type)
    assert seen.generation.message.text == text
    assert seen.calls == 1, "never retried after the first content"
    sentence(seen)


def completed(seen: Seen, text: str | None = None) -> None:
    assert (seen.generation.status, seen.stop["error"]) == (GenerationStatus.COMPLETED, None)
    if text is not None:
        assert seen.generation.message.text == text


def sentence(seen: Seen) -> None:
    """The message is plain words that end in a full stop."""
    message = seen.stop["error"]["message"]
    assert message[0].isupper()
    assert message.endswith(".")
    assert "Traceback" not in message
    assert "{" not in message


def point_at(base_url: str) -> None:
    Provider.objects.update(base_url=base_url)


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def world(quick: Any, world: World) -> World:
    """Limits are read when the engine starts."""
    return world


# Not reached.


def test_row_1_a_name_that_does_not_resolve(world: World) -> None:
    first = world.alice.start("Hi")
    world.ended(first)
    point_at("http://no-such-host.invalid")
    sent = world.alice.send(first["conversation"])
    ended = follow(world, first["conversation"], sent)
    assert (ended[-1]["status"], ended[-1]["error"]["type"]) == ("failed", "connect")
    waits = [frame for frame in ended if frame["type"] == "generation_status"]
    assert len(waits) <= 2


def follow(world: World, conversation: str, sent: dict[str, Any]) -> list[Frame]:
    page = world.socket(world.alice, conversation)
    page.frame()
    page.resume(sent["generation"], 0)
    frames = page.until("message_stop")
    page.close()
    return frames


def ask_elsewhere(world: World, base_url: str) -> Frame:
    first = world.alice.start("Hi")
    world.ended(first)
    point_at(base_url)
    sent = world.alice.send(first["conversation"])
    return follow(world, first["conversation"], sent)[-1]


def test_row_2_nobody_listens(world: World) -> None:
    stop = ask_elsewhere(world, f"http://127.0.0.1:{free_port()}")
    assert (stop["status"], stop["error"]["type"]) == ("failed", "connect")
    assert UsageRecord.objects.latest("pk").attempt == 3, "two retries"


def test_row_3_a_connection_that_is_swallowed(world: World) -> None:
    # A full queue of a socket that accepts nothing: further connections get no answer.
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
            fillers.append(filler)
        stop = ask_elsewhere(world, f"http://127.0.0.1:{hole.getsockname()[1]}")
        for filler in fillers:
            filler.close()
    assert (stop["status"], stop["error"]["type"]) == ("failed", "connect")
    assert UsageRecord.objects.latest("pk").attempt <= 2, "one retry at most"


def test_row_4_a_certificate_that_nobody_signed(world: World, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with FakeUpstream(tls=context) as other:
        stop = ask_elsewhere(world, other.url)
        assert not other.calls, "the key was not sent"
    assert (stop["status"], stop["error"]["type"]) == ("failed", "tls")
    assert (Message.objects.get(pk=stop["message"]).error or {})["admin_message"]
    assert UsageRecord.objects.latest("pk").attempt == 1, "no retry"


# Refused.


@pytest.mark.parametrize(
    ("row", "type"),
    [
        (5, "invalid"), (6, "auth"), ("6:403", "auth"), (7, "model"), (8, "size"), (10, "limit"), (11, "spend"),
        (14, "protocol"), (15, "protocol"), ("15:301", "protocol"),
    ],
)  # fmt: skip
def test_rows_5_to_15_a_refusal_is_not_tried_again(world: World, row: Any, type: str) -> None:
    seen = ask(world, f"fault:{row}")
    failed(seen, type)
    assert not [frame for frame in seen.frames if frame["type"] == "generation_status"]


def test_row_8_a_413_says_how_large_it_was(world: World) -> None:
    assert "0.2 MB" in ask(world, "fault:8 " + "x" * 150_000).stop["error"]["message"]


def test_row_9_a_short_retry_after_is_waited_for_and_shown(world: World) -> None:
    before = time.time()
    seen = ask(world, "fault:9:1")
    completed(seen, "Hello from the fake upstream.")
    assert seen.calls == 2
    first, second = world.asked()
    pause = second.received_at - first.received_at
    assert pause >= 1.0
    waits = [frame for frame in seen.frames if frame["type"] == "generation_status"]
    assert waits[0]["status"] == "waiting"
    assert before + 1 <= waits[0]["retry_at"] <= time.time()
    assert "seq" not in waits[0]
    assert waits[0]["error"]["message"] == "The limit of the model service is reached."


def test_row_9_the_wait_can_be_cancelled(world: World) -> None:
    sent = world.alice.start("fault:9:30")
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    page.next("generation_status")
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    assert page.next("message_stop")["status"] == "stopped"
    assert len(world.upstream.calls) == 1


def test_row_10_a_long_limit_says_until_when(world: World) -> None:
    error = ask(world, "fault:10:3600").stop["error"]
    assert error["retry_at"] == pytest.approx(time.time() + 3600, abs=30)


@pytest.mark.parametrize("row", ["12", "12:502", "12:503", "13", "13:529"])
def test_rows_12_and_13_a_failing_service_is_asked_three_times(world: World, row: str) -> None:
    seen = ask(world, f"fault:{row}")
    failed(seen, "busy" if row.startswith("13") else "service", calls=3)


def test_rows_12_and_13_what_gets_better_is_shown_as_if_nothing_had_been(world: World) -> None:
    seen = ask(world, "fault:13*2")
    completed(seen, "Hello from the fake upstream.")
    assert seen.calls == 3


# Silence.


def test_row_16_headers_and_then_silence(world: World) -> None:
    seen = ask(world, "fault:16")
    failed(seen, "timeout")
    assert seen.seconds >= 0.55


def test_row_17_silence_after_some_text(world: World) -> None:
    seen = ask(world, "fault:17")
    kept(seen, "stalled")
    assert seen.seconds >= 0.55


def test_row_18_pings_for_ever_after_some_text(world: World) -> None:
    seen = ask(world, "fault:18")
    kept(seen, "stalled")
    assert seen.seconds >= 1.7


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (Hang(), "interrupted"), (Repeat(wire.PING, 0.05), "interrupted"), (b"data: {\n\n", "failed"),
        (Close(), "failed"), (wire.event("error", error={"type": "overloaded_error", "message": ""}), "failed"),
    ],
    ids=["hang", "pings", "garbled", "cut", "error"],
)  # fmt: skip
@pytest.mark.parametrize(
    "begun",
    [
        wire.block_start(),
        wire.block_start(type="tool_use", id="t", name="f", input={})
        + wire.delta(0, type="input_json_delta", partial_json='{"a'),
    ],
    ids=["text", "call"],
)
def test_where_a_block_has_only_begun_nothing_is_said_to_be_saved_or_to_be_continued(
    world: World, begun: bytes, ends: Any, status: str
) -> None:
    first = world.alice.start("Hi")
    world.ended(first)
    world.upstream.script(wire.message_start(), begun, wire.PING, ends)
    sent = world.alice.send(first["conversation"])
    stop = follow(world, first["conversation"], sent)[-1]
    assert stop["error"]["message"].endswith((" Try again.", " Try again in a moment."))
    reply = world.alice.messages(first["conversation"])[-1]
    assert (reply["content"], reply["status"]) == ([], status)
    assert (stop["status"], Generation.objects.get(pk=sent["generation"]).status) == (status, status)
    page = world.alice.client.get(first["url"]).content.decode()
    assert "Continue</" not in page and "Press Continue" not in page and "is saved" not in page


def test_row_18_pings_for_ever_and_not_one_word(world: World) -> None:
    seen = ask(world, "fault:18:early")
    assert "No answer for 1.8 seconds." in seen.stop["error"]["message"]
    assert seen.generation.status in (GenerationStatus.INTERRUPTED, GenerationStatus.FAILED)
    assert seen.generation.message.content == []
    assert seen.calls == 1


# Broken off.


@pytest.mark.parametrize(
    ("row", "type"),
    [
        ("19", "busy"), ("20", "connection_lost"), ("21", "connection_lost"), ("22", "connection_lost"),
        ("23", "garbled"), ("24", "garbled"), ("30", "garbled"), ("30:twice", "garbled"), ("30:order", "garbled"),
        ("30:stop", "garbled"), ("30:closed", "garbled"),
    ],
)  # fmt: skip
def test_rows_19_to_24_and_30_what_arrived_is_kept(world: World, row: str, type: str) -> None:
    seen = ask(world, f"fault:{row}")
    kept(seen, type)


def test_row_25_a_character_cut_between_packets(world: World) -> None:
    completed(ask(world, "fault:25"), "né 👩‍👩‍👧 end")


def test_row_26_one_event_above_the_limit(world: World) -> None:
    kept(ask(world, "fault:26"), "too_large")


def test_row_27_an_answer_above_the_limit(world: World, settings: Any) -> None:
    seen = ask(world, "fault:27")
    assert (seen.generation.status, seen.stop["error"]["type"]) == (GenerationStatus.INTERRUPTED, "limit")
    text = seen.generation.message.text
    assert text.startswith("Some text" + "y" * 1000)
    assert settings.UPSTREAM_MAX_ANSWER_BYTES * 0.9 < len(text) <= settings.UPSTREAM_MAX_ANSWER_BYTES


@pytest.fixture
def short_total(quick: Any) -> None:
    quick.UPSTREAM_TOTAL_TIMEOUT = 2


def test_row_28_a_slow_drip_until_the_total_limit(short_total: None, world: World) -> None:
    rest = b"".join(wire.text_delta(f"{number} ") for number in range(100))
    world.upstream.script(*wire.text_answer("First"))
    world.upstream.script(
        wire.message_start(), wire.block_start(), wire.text_delta("Some "), Drip(rest, 0.004)
    )
    seen = ask(world)
    assert (seen.generation.status, seen.stop["error"]["type"]) == (GenerationStatus.INTERRUPTED, "timeout")
    assert seen.text.startswith("Some ")
    assert seen.seconds >= 1.9


# Odd, but whole.


def test_row_29_what_nobody_knows_is_ignored_or_kept_raw(world: World) -> None:
    seen = ask(world, "fault:29")
    completed(seen, "Known.")
    hologram, text = seen.generation.message.content
    assert hologram == {"type": "hologram", "data": {"depth": 3}}
    assert text["text"] == "Known."


def test_a_block_of_odd_fields_is_stored_and_shown(world: World) -> None:
    first = world.alice.start("Hi")
    world.ended(first)
    world.upstream.script(
        wire.message_start(),
        wire.block_start(type="text", text="", citations=5),
        wire.delta(0, type="citations_delta", citation={"a": 1}),
        wire.text_delta("Known."),
        wire.block_stop(),
        wire.message_end(),
    )
    sent = world.alice.send(first["conversation"])
    assert follow(world, first["conversation"], sent)[-1]["status"] == "completed"
    assert "Known." in world.alice.client.get(first["url"]).content.decode()


def test_row_31_an_empty_answer_is_complete_and_does_not_poison_the_history(world: World) -> None:
    sent = world.alice.start("fault:31")
    world.ended(sent)
    reply = world.alice.messages(sent["conversation"])[-1]
    assert (reply["status"], reply["content"], reply["stop_reason"]) == ("completed", [], "end_turn")
    assert "returned nothing" in world.alice.client.get(sent["url"]).content.decode()
    more = world.alice.send(sent["conversation"], "load-0")
    follow(world, sent["conversation"], more)
    asked = world.asked()[-1].body["messages"]
    assert [turn["role"] for turn in asked] == ["user"]
    assert [block["text"] for block in asked[0]["content"]] == ["fault:31", "load-0"]


@pytest.mark.parametrize(
    "reason",
    ["max_tokens", "refusal", "pause_turn", "compaction", "model_context_window_exceeded", "hiccup"],
)
def test_row_32_every_stop_reason_has_its_own_note(world: World, reason: str) -> None:
    first = world.alice.start("Hi")
    world.ended(first)
    plain = world.alice.client.get(first["url"]).content.decode()
    sent = world.alice.start(f"fault:32:{reason}")
    frames = follow(world, sent["conversation"], sent)
    assert (frames[-1]["status"], frames[-1]["stop_reason"]) == ("completed", reason)
    page = world.alice.client.get(sent["url"]).content.decode()
    assert page.count('<div class="note ') == plain.count('<div class="note ') + 1


def test_a_call_whose_input_is_no_json_is_kept_as_it_came(world: World) -> None:
    """Nobody runs it, and nobody takes it for a call without arguments (messages-api 9.3)."""
    seen = ask(world, "fault:33")
    completed(seen, "")
    (call,) = seen.generation.message.content
    assert (call["name"], call["input"], call["partial_json"]) == ("get_weather", {}, '{"city": "Ro')
    page = world.alice.client.get(f"/conversations/{seen.generation.conversation_id}/").content.decode()
    assert "{&quot;city&quot;: &quot;Ro</pre>" in page and ">failed<" in page
    log = replay.log_of(seen.generation)
    assert replay.accumulated(log).content == [call], "so does a page that comes later"


def test_row_34_a_hundred_thousand_tiny_events(world: World) -> None:
    seen = ask(world, "fault:34")
    completed(seen, "".join(str(number % 10) for number in range(1000)) * 100)
    assert len(seen.frames) < 5000, "neighbouring deltas travel together"


# Beyond the table.


def test_a_silent_reconnect_happens_only_before_the_first_byte(world: World) -> None:
    world.upstream.script(*wire.text_answer("First"))
    world.upstream.script(Reset())
    world.upstream.script(*wire.text_answer("Second"))
    seen = ask(world)
    completed(seen, "Second")
    assert seen.calls == 2
    assert not [frame for frame in seen.frames if frame["type"] == "generation_status"]
    tries = (
        UsageRecord.objects.filter(generation=seen.generation).exclude(purpose="title").order_by("attempt")
    )
    assert list(tries.values_list("status", "error_type")) == [
        ("failed", "connection_lost"), ("completed", ""),
    ]  # fmt: skip


def test_an_answer_as_plain_json_is_taken(world: World) -> None:
    world.upstream.script(Reply(200, wire.message_body("Not streamed.")))
    sent = world.alice.start()
    ended = world.ended(sent)
    assert (ended.status, ended.message.text) == ("completed", "Not streamed.")


def test_an_error_body_with_200_is_an_error(world: World) -> None:
    for _ in range(3):
        world.upstream.script(Reply(200, wire.error_body("overloaded_error", "Overloaded")))
    sent = world.alice.start()
    ended = world.ended(sent)
    assert ended.status == "failed"
    assert ended.error is not None


@pytest.mark.parametrize("streamed", [True, False])
def test_a_refusal_with_200_tells_its_reason_as_one_with_400_does(world: World, streamed: bool) -> None:
    error = {"type": "invalid_request_error", "message": "max_tokens: must be positive"}
    whole = Reply(200, wire.data({"type": "error", "error": error}))
    world.upstream.script(wire.message_start() + wire.event("error", error=error) if streamed else whole)
    ended = world.ended(world.alice.start())
    assert ended.error is not None
    assert (ended.status, ended.error["type"]) == ("failed", "invalid")
    assert "max_tokens: must be positive." in ended.error["message"]


def test_an_end_without_message_stop_but_with_a_reason_is_complete(world: World) -> None:
    whole = b"".join(wire.text_answer("All of it."))
    world.upstream.script(whole.removesuffix(wire.event("message_stop")), Close())
    ended = world.ended(world.alice.start())
    assert (ended.status, ended.message.text, ended.message.stop_reason) == (
        "completed",
        "All of it.",
        "end_turn",
    )


def test_events_after_message_stop_are_ignored(world: World) -> None:
    world.upstream.script(*wire.text_answer("Whole."), *wire.text_answer("Again."))
    ended = world.ended(world.alice.start())
    assert (ended.status, ended.message.text) == ("completed", "Whole.")


def test_an_echoed_key_is_neither_stored_nor_shown(world: World) -> None:
    world.upstream.script(Reply(400, wire.error_body("invalid_request_error", f"bad key {KEY} was sent")))
    ended = world.ended(world.alice.start())
    assert ended.status == "failed"
    assert KEY not in repr(ended.error)
    assert "[key]" in repr(ended.error)


def test_a_lost_provider_key_fails_with_words_for_the_administrator(world: World) -> None:
    first = world.alice.start()
    world.ended(first)
    world.upstream.calls.clear()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_provider SET api_key = 'gAAAAABnonsense'")
    sent = world.alice.send(first["conversation"])
    stop = follow(world, first["conversation"], sent)[-1]
    assert (stop["status"], stop["error"]["type"]) == ("failed", "auth")
    assert (Message.objects.get(pk=stop["message"]).error or {})["admin_message"]
    assert not world.asked()


def test_a_removed_model_fails_plainly_and_another_one_can_answer(world: World) -> None:
    first = world.alice.start()
    world.ended(first)
    LanguageModel.objects.all().delete()
    response = world.alice.post(f"/conversations/{first['conversation']}/messages/", {"text": "More"})
    assert response.status_code == 503


def test_silence_of_ours_is_not_the_upstreams(world: World) -> None:
    """Text, a pause just below the limit, text: not a stall."""
    world.upstream.script(
        wire.message_start(), wire.block_start(), wire.text_delta("One "), Sleep(0.35), wire.text_delta("two "),
        Sleep(0.35), wire.text_delta("three"), wire.block_stop(), wire.message_end(),
    )  # fmt: skip
    ended = world.ended(world.alice.start())
    assert (ended.status, ended.message.text) == ("completed", "One two three")


def test_half_an_http_head_is_no_answer(world: World) -> None:
    world.upstream.script(Raw(b"HTTP/1.1 200 OK\r\ncontent-ty"), Hang())
    ended = world.ended(world.alice.start())
    assert (ended.status, ended.error and ended.error["type"]) == ("failed", "timeout")

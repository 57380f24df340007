"""The websocket of a conversation: first frame, resuming, following, stopping, the windows and the doors."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from django.db import connection

from conversations import access
from conversations.actions import conversations
from conversations.live import patrol
from conversations.live.hub import hub
from conversations.models import Conversation, Generation, Participant
from tests import patience
from tests.clients import Frame, Refused, Socket
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang, Step
from tests.world import Person, World, wait_for

WORDS = [f"word{number} " for number in range(40)]
TEXT = "".join(WORDS)


def text_of(frames: list[Frame]) -> str:
    """The text a client has after these frames, by the contract's rules."""
    text, seen = "", 0
    for frame in frames:
        if frame["type"] == "message_start":
            text, seen = "", frame["seq"]
        elif "seq" in frame and frame["type"] != "block_html" and frame["seq"] > seen:
            seen = frame["seq"]
            if frame["type"] == "content_block_delta":
                text += frame["delta"].get("text", "")
            elif frame["type"] == "content_block_start":
                text += frame["content_block"].get("text") or ""
    return text


def open_page(world: World, sent: dict[str, Any], person: Person | None = None) -> Socket:
    socket = world.socket(person or world.alice, sent["conversation"])
    socket.first = socket.frame()  # type: ignore[attr-defined]
    return socket


def running(world: World, *steps: Step) -> tuple[dict[str, Any], Socket]:
    """An answer that has sent WORDS and stays open, and a page that has seen all of it."""
    shown = steps or [wire.text_delta(word) for word in WORDS]
    world.upstream.script(wire.message_start(), wire.block_start(), *shown, Hang())
    sent = world.alice.start()
    page = open_page(world, sent)
    page.resume(sent["generation"], 0)
    if not steps:
        frames: list[Frame] = []
        while text_of(frames) != TEXT:
            frames.append(page.frame())
    return sent, page


def forgotten(world: World, generation: str) -> None:
    """The process no longer has the log of an ended answer."""

    async def forget() -> None:
        hub.logs.pop(uuid.UUID(generation), None)

    world.engine.run(forget())


# The first frame.


def test_the_first_frame_names_the_conversation_and_what_runs(world: World) -> None:
    sent, _ = running(world)
    first = open_page(world, sent).first  # type: ignore[attr-defined]
    assert list(first) == ["type", "id", "running"]
    assert (first["type"], first["id"]) == ("conversation", sent["conversation"])
    (only,) = first["running"]
    assert set(only) == {"generation", "message", "seq"}
    assert (only["generation"], only["message"]) == (sent["generation"], sent["reply"])
    assert only["seq"] >= len(WORDS)


def test_the_first_frame_of_a_quiet_conversation_has_nothing_running(world: World) -> None:
    sent, _ = world.answer()
    assert open_page(world, sent).first["running"] == []  # type: ignore[attr-defined]


def test_a_page_that_is_open_when_an_answer_starts_gets_it_without_asking(world: World) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    world.upstream.script(*wire.text_answer(*WORDS))
    more = world.alice.send(sent["conversation"])
    frames = [
        f for f in page.until("message_stop") if f.get("generation") == more["generation"] and "seq" in f
    ]
    assert (frames[0]["type"], frames[0]["seq"]) == ("message_start", 1)
    assert text_of(frames) == TEXT
    assert frames[0]["model"]
    assert frames[0]["usage"]["input_tokens"] == 25


def test_a_page_that_opens_in_mid_answer_gets_nothing_before_it_asks(world: World) -> None:
    sent, _ = running(world)
    page = open_page(world, sent)
    page.send("?")
    assert not [frame for frame in page.until("error") if "seq" in frame]


# Resuming.


def test_resume_brings_everything_after_any_number_of_a_running_answer(world: World, settings: Any) -> None:
    settings.SOCKET_BURST = 1000
    sent, page = running(world)
    last = open_page(world, sent).first["running"][0]["seq"]  # type: ignore[attr-defined]
    whole = read_to(page, sent, 0, last)
    assert text_of(whole) == TEXT
    for after in range(1, last + 1):
        frames = read_to(page, sent, after, last)
        assert all(frame["seq"] > after for frame in frames), "everything after it and nothing else"
        rest = "".join(f["delta"]["text"] for f in frames if f["type"] == "content_block_delta")
        assert rest == TEXT[len(TEXT) - len(rest) :]
        assert len(rest) == len("".join(WORDS[max(after - 2, 0) :]))


def read_to(page: Socket, sent: dict[str, Any], after: int, last: int) -> list[Frame]:
    """The numbered frames that a resume brings, up to number `last`."""
    page.resume(sent["generation"], after)
    page.send("marker")
    frames: list[Frame] = []
    marked = False
    while not (marked and (after >= last or (frames and frames[-1]["seq"] >= last))):
        frame = page.frame()
        if frame["type"] == "error":
            marked = True
        elif frame["type"] != "block_html":
            frames.append(frame)
    return frames


def test_resume_beyond_the_end_of_a_running_answer_begins_again(world: World) -> None:
    sent, page = running(world)
    page.resume(sent["generation"], 10_000)
    frame = page.next("message_start")
    assert frame["seq"] == 1


@pytest.mark.parametrize("remembered", [True, False], ids=["in memory", "from the database"])
@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5, 6, 7, 20, 42, 43, 44, 45, 46, 10_000])
def test_resume_of_an_ended_answer_ends_in_the_whole_text(world: World, remembered: bool, after: int) -> None:
    """A client that has everything up to `after` has everything when message_stop comes."""
    world.upstream.script(*wire.text_answer(*WORDS))
    sent, before = world.answer()
    if not remembered:
        forgotten(world, sent["generation"])
    had = [frame for frame in one_by_one() if frame["seq"] <= after]
    final = before[-1]["seq"]
    page = open_page(world, sent)
    page.resume(sent["generation"], after)
    if remembered and after == final:
        page.send("nothing is missing")
        came = page.until("error")
        assert not [frame for frame in came if "seq" in frame and frame["type"] != "block_html"]
        return
    frames = page.until("message_stop")
    assert text_of(had + frames) == TEXT
    assert [frame["type"] for frame in frames].count("message_stop") == 1
    assert frames[-1] == before[-1], "status, error, usage, cost and the final number are the same"


def one_by_one() -> list[Frame]:
    """What a client has seen of an answer of WORDS when nothing was merged."""
    bodies: list[Frame] = [
        {"type": "message_start"},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "delta": {"type": "text_delta", "text": word}} for word in WORDS),
        {"type": "content_block_stop"},
        {"type": "message_delta"},
        {"type": "message_stop"},
    ]
    return [{**body, "seq": number} for number, body in enumerate(bodies, 1)]


def test_resume_twice_on_one_socket_moves_the_cursor_and_doubles_nothing(world: World) -> None:
    sent, page = running(world)
    for _ in range(3):
        page.resume(sent["generation"], 0)
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    frames = page.until("message_stop")
    assert text_of(frames) == TEXT
    page.send("marker")
    assert [f["type"] for f in page.until("error") if f["type"] == "message_stop"] == []


@pytest.mark.parametrize("which", ["unknown", "of another conversation", "of somebody else", "deleted"])
def test_resume_of_what_is_not_here_is_not_found_and_the_socket_stays(world: World, which: str) -> None:
    sent, _ = world.answer()
    other, _ = world.answer()
    foreign = world.bob.start()
    world.upstream.script(*wire.text_answer("x"))
    generation = {
        "unknown": str(uuid.uuid4()), "of another conversation": other["generation"],
        "of somebody else": foreign["generation"], "deleted": other["generation"],
    }[which]  # fmt: skip
    if which == "deleted":
        Conversation.objects.filter(pk=other["conversation"]).delete()
        forgotten(world, generation)
    page = open_page(world, sent)
    page.resume(generation, 0)
    frame = page.next("error")
    assert frame == {
        "type": "error", "error": {"type": "not_found", "message": "This answer does not exist here."},
    }  # fmt: skip
    page.resume(sent["generation"], 0)
    assert page.next("message_stop")


def test_html_of_a_block_comes_beside_the_text_and_can_be_ignored(world: World) -> None:
    world.answer("The first rendering starts a process, which takes its time.")
    world.upstream.script(*wire.text_answer("# Title\n\n", "Some *text*.\n\n", "- one\n", "- two\n"))
    _, frames = world.answer()
    html = [frame for frame in frames if frame["type"] == "block_html"]
    assert html
    for frame in html:
        assert "delta" not in frame
        assert {"generation", "message", "index", "seq"} <= set(frame)
        assert frame["seq"] < frames[-1]["seq"]
    assert frames[-1]["type"] == "message_stop"
    numbered = [frame["seq"] for frame in frames if "seq" in frame and frame["type"] != "block_html"]
    assert numbered == sorted(set(numbered))


# Stopping.


def test_stop_over_the_socket_ends_the_answer_and_closes_the_upstream(world: World) -> None:
    sent, page = running(world)
    other = open_page(world, sent)
    other.send({"type": "stop", "generation": sent["generation"]})
    stop = page.next("message_stop")
    assert (stop["status"], stop["error"], stop["stop_reason"]) == ("stopped", None, None)
    assert world.upstream.calls[0].closed.wait(patience.SECONDS)
    stored = Generation.objects.select_related("message").get()
    assert (stored.status, stored.message.text) == ("stopped", TEXT), "what was shown is what is stored"


def test_stop_over_http_ends_the_answer_for_every_tab(world: World) -> None:
    sent, page = running(world)
    other = open_page(world, sent)
    other.resume(sent["generation"], 0)
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    assert page.next("message_stop")["status"] == "stopped"
    assert other.next("message_stop")["status"] == "stopped"
    assert world.upstream.calls[0].closed.wait(patience.SECONDS)


def test_stop_of_what_one_may_not_write_to_is_not_found_and_it_goes_on(world: World) -> None:
    sent, page = running(world)
    mine = world.bob.start()
    Conversation.objects.update(visibility=Conversation.Visibility.WORKSPACE)
    reader = world.socket(world.bob, sent["conversation"])
    reader.frame()
    own = world.socket(world.bob, mine["conversation"])
    own.frame()
    for socket in (reader, own):
        socket.send({"type": "stop", "generation": sent["generation"]})
        assert socket.next("error")["error"]["type"] == "not_found"
    socket.send({"type": "stop", "generation": str(uuid.uuid4())})
    assert socket.next("error")["error"]["type"] == "not_found"
    assert Generation.objects.get(pk=sent["generation"]).is_live
    page.send({"type": "stop", "generation": sent["generation"]})
    assert page.next("message_stop")["status"] == "stopped"


def test_stop_before_the_first_word_stores_an_empty_stopped_answer(world: World) -> None:
    world.upstream.script(Hang())
    sent = world.alice.start()
    page = open_page(world, sent)
    page.resume(sent["generation"], 0)
    world.alice.post(f"/generations/{sent['generation']}/stop/")
    frames = page.until("message_stop")
    mine = [frame["type"] for frame in frames if frame.get("generation") == sent["generation"]]
    assert mine == ["message_start", "message_stop"]
    assert (frames[-1]["status"], frames[-1]["seq"]) == ("stopped", 2)
    assert world.alice.messages(sent["conversation"])[-1]["content"] == []


def test_stop_of_an_ended_answer_is_no_error(world: World) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    page.send({"type": "stop", "generation": sent["generation"]})
    page.send("marker")
    assert page.next("error")["error"]["type"] == "bad_request"
    assert Generation.objects.get().status == "completed"


# What a browser may say.


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "7", '"resume"', "null", "true", "{}", "[" * 2000, '{"a":' * 600,
        '{"type": "resume"}', '{"type": ["resume"]}', '{"type": {}}', '{"type": "__class__"}', '{"type": "connect"}',
        '{"type": "websocket.close"}', '{"type": "resume", "generation": "x", "after": 0}',
        '{"type": "resume", "generation": null, "after": 0}', '{"type": "stop", "generation": ["a"]}',
    ],
)  # fmt: skip
def test_what_is_no_command_gets_an_error_frame_and_the_socket_stays(world: World, text: str) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    page.send(text)
    assert page.next("error")["error"]["type"] == "bad_request"
    page.resume(sent["generation"], 0)
    assert page.next("message_stop")


@pytest.mark.parametrize(
    "after",
    ["-1", "-0", "1.5", '"0"', "null", "NaN", "1e999", "-0.5", "9" * 3000, "9007199254740992", "[]", "true"],
)
def test_a_number_that_is_none_gets_an_error_frame_and_no_text(world: World, after: str) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    resume = json.dumps({"type": "resume", "generation": sent["generation"], "after": "?"})
    page.send(resume.replace('"?"', after))
    assert page.next("error")["error"]["type"] == "bad_request"
    ack = json.dumps({"type": "ack", "generation": sent["generation"], "seq": "?"})
    page.send(ack.replace('"?"', after))
    assert page.next("error")["error"]["type"] == "bad_request"


def test_what_a_command_skips_has_limits_too(world: World) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    stop = {"type": "stop", "generation": sent["generation"]}
    levels = [json.loads("[" * depth + "]" * depth) for depth in (31, 32)]
    keys = [{f"key{number}": "-0:[" for number in range(count)} for count in (62, 63)]
    for within, over in ({"x": levels[0]}, {"x": levels[1]}), (keys[0], keys[1]):
        page.send(stop | within)
        page.send(stop | over)
        page.send("nonsense")
        assert "64 keys and 32 levels" in page.next("error")["error"]["message"]
        assert "malformed" in page.next("error")["error"]["message"]


def test_an_ack_for_what_nobody_sent_is_ignored(world: World) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    page.ack(str(uuid.uuid4()), 5)
    page.ack(sent["generation"], 2**53 - 1)
    page.resume(sent["generation"], 0)
    assert page.next("message_stop")


def test_a_message_at_the_limit_is_read_and_one_over_it_closes(world: World, settings: Any) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    page.send("x" * settings.SOCKET_MESSAGE_BYTES)
    assert page.next("error")["error"]["type"] == "bad_request"
    page.send("x" * (settings.SOCKET_MESSAGE_BYTES + 1))
    assert page.closed() == 1009
    page = open_page(world, sent)
    page.send("ü" * (settings.SOCKET_MESSAGE_BYTES // 2 + 1))
    assert page.closed() == 1009


def test_a_binary_frame_closes(world: World) -> None:
    page = open_page(world, world.answer()[0])
    page.send(b"\x00\x01")
    assert page.closed() in (1002, 1003)


@pytest.mark.parametrize("fields", [{"type": "ack", "seq": 1}, {"type": "resume", "after": 0}, {"type": "x"}])
def test_too_many_messages_close_this_socket_and_no_other(
    world: World, settings: Any, fields: dict[str, Any]
) -> None:
    sent, _ = world.answer()
    quiet, loud = open_page(world, sent), open_page(world, sent)
    for _ in range(settings.SOCKET_BURST + 20):
        loud.send(fields | {"generation": sent["generation"]})
    assert loud.closed() == 1008
    quiet.resume(sent["generation"], 0)
    assert quiet.next("message_stop")


def test_a_burst_within_the_limit_is_fine(world: World, settings: Any) -> None:
    sent, _ = world.answer()
    page = open_page(world, sent)
    for _ in range(settings.SOCKET_BURST - 2):
        page.ack(sent["generation"], 1)
    page.resume(sent["generation"], 0)
    assert page.next("message_stop")


def test_each_frame_may_be_acknowledged(world: World, settings: Any) -> None:
    """A fast answer has more frames than the rate allows."""
    settings.SOCKET_RATE = 0
    blocks = [
        wire.text_delta(f"Block {index}.", index) + wire.block_stop(index) + wire.block_start(index + 1)
        for index in range(100)
    ]
    sent, page = running(world, *blocks)
    count = 1  # `conversation`
    while page.frame().get("seq", 0) < 302:
        count += 1
    assert count > 4 * settings.SOCKET_BURST
    for number in range(count):
        page.ack(sent["generation"], 302)
        if number % 32 == 0:
            # No more than 64 may wait to be read.
            page.send("understood by nobody")
            assert page.next("error")["error"]["type"] == "bad_request"


# Doors.


@pytest.mark.parametrize(
    "origin",
    [
        None, "null", "http://evil.example", "https://testserver", "http://testserver:81", "http://testserver.evil",
        "http://TESTSERVER@evil", "",
    ],
)  # fmt: skip
def test_only_pages_of_this_site_may_connect(world: World, origin: str | None) -> None:
    sent, _ = world.answer()
    with pytest.raises(Refused):
        world.socket(world.alice, sent["conversation"], origin=origin)
    with pytest.raises(Refused):
        world.socket(world.alice, "", origin=origin)


def test_without_a_session_nobody_connects(world: World) -> None:
    sent, _ = world.answer()
    with pytest.raises(Refused):
        world.socket(None, sent["conversation"])
    world.alice.client.logout()
    with pytest.raises(Refused):
        world.socket(world.alice, sent["conversation"])


def test_a_conversation_that_is_not_ones_own_closes_like_one_that_never_was(world: World) -> None:
    sent, _ = world.answer()
    assert world.socket(world.bob, sent["conversation"]).closed() == 4404
    assert world.socket(world.bob, str(uuid.uuid4())).closed() == 4404


def test_twenty_sockets_are_open_to_a_person_and_the_next_is_closed(world: World, settings: Any) -> None:
    sent, _ = world.answer()
    pages = [open_page(world, sent) for _ in range(settings.SOCKETS_PER_USER)]
    assert world.socket(world.alice, sent["conversation"]).closed() == 1008
    others = world.bob.start()
    assert world.socket(world.bob, others["conversation"]).frame()
    pages[0].close()
    wait_for(lambda: hub.sockets_of(world.alice.user.pk) < settings.SOCKETS_PER_USER)
    assert open_page(world, sent)


# Cut when rights end.


def test_deleting_the_conversation_closes_every_page_at_once(world: World) -> None:
    sent, page = running(world)
    other = open_page(world, sent)
    world.alice.post(f"/conversations/{sent['conversation']}/delete/")
    assert page.closed() == 4404
    assert other.closed() == 4404
    assert world.upstream.calls[0].closed.wait(patience.SECONDS), "the answer is stopped"


@pytest.fixture
def brisk_patrol(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are asked again every half second; the real figure is checked beside it."""
    assert patrol.SECONDS < 5
    monkeypatch.setattr(patrol, "SECONDS", 0.5)


def test_signing_out_closes_this_sessions_pages_and_no_others(world: World) -> None:
    sent, _ = world.answer()
    other_session = Person(world.alice.user)
    page, other = open_page(world, sent), open_page(world, sent, other_session)
    world.alice.client.logout()
    assert page.closed() == 4401
    other.resume(sent["generation"], 0)
    assert other.next("message_stop")


@pytest.mark.parametrize("change", ["deactivated", "password", "session gone", "participant removed"])
def test_a_right_that_ends_in_any_other_way_closes_the_socket(
    brisk_patrol: None, world: World, change: str
) -> None:
    sent, _ = world.answer()
    Participant.objects.create(conversation_id=sent["conversation"], user=world.bob.user, role="reader")
    page = open_page(world, sent, world.bob)
    if change == "deactivated":
        type(world.bob.user).objects.filter(pk=world.bob.user.pk).update(is_active=False)
    elif change == "password":
        world.bob.user.set_password("another-password-7")
        world.bob.user.save()
    elif change == "session gone":
        world.bob.client.session.delete()
    else:
        Participant.objects.all().delete()
    assert page.closed() == (4404 if change == "participant removed" else 4401)


# News.


def test_a_message_of_another_tab_is_announced_to_the_open_page(world: World) -> None:
    sent, _ = world.answer()
    page, overview = open_page(world, sent), world.socket(world.alice)
    client_id = str(uuid.uuid4())
    more = world.alice.send(sent["conversation"], "From another tab", client_id=client_id)
    frame = page.next("message_created")
    assert frame["message"]["id"] == more["message"]
    assert frame["message"]["content"] == [{"type": "text", "text": "From another tab"}]
    assert (frame["reply"], frame["generation"], frame["client_id"]) == (
        more["reply"], more["generation"], client_id,
    )  # fmt: skip
    news = overview.next("conversation_updated")
    assert news["conversation"]["id"] == sent["conversation"]
    page.until("message_stop")


def test_news_of_a_conversation_goes_to_those_who_may_see_it_and_to_nobody_else(world: World) -> None:
    alices, bobs = world.socket(world.alice), world.socket(world.bob)
    sent = world.alice.start("Secret plans")
    assert alices.next("conversation_updated")["conversation"]["title"] == "Secret plans"
    own = world.bob.start("His own")
    frame = bobs.next("conversation_updated")
    assert frame["conversation"]["id"] == own["conversation"]
    Participant.objects.create(conversation_id=sent["conversation"], user=world.bob.user, role="reader")
    world.alice.post(f"/conversations/{sent['conversation']}/rename/", {"title": "Shared plans"})
    seen = []
    while "Shared plans" not in seen:
        news = bobs.next("conversation_updated")["conversation"]
        seen += [news["title"]] if news["id"] == sent["conversation"] else []


def test_news_of_a_conversation_says_what_others_did_to_it_meanwhile(world: World) -> None:
    sent, _ = world.answer()
    found = access.conversation(world.alice.user, uuid.UUID(sent["conversation"]), access.Operation.OWN)
    world.alice.post(f"/conversations/{sent['conversation']}/archive/", {"archived": "true"})
    overview = world.socket(world.alice)
    conversations.rename(found, "Later")
    while (told := overview.next("conversation_updated")["conversation"])["title"] != "Later":
        pass
    assert told["archived"]


def test_the_end_of_one_answer_is_not_announced_as_that_of_another_branch(world: World) -> None:
    first, _ = world.answer()
    again = world.alice.post(
        f"/conversations/{first['conversation']}/messages/{first['reply']}/regenerate/"
    ).json()  # type: ignore[attr-defined]
    world.ended(again)
    overview = world.socket(world.alice)
    answers = []
    for reply in (first["reply"], again["reply"]):
        world.upstream.script(wire.message_start(), Hang())
        answers.append(world.alice.send(first["conversation"], parent=reply)["generation"])
    for generation in answers:
        world.alice.post(f"/generations/{generation}/stop/")
        world.ended({"generation": generation})
    told: list[bool] = []
    while not told or told[-1]:
        news = overview.next("conversation_updated")["conversation"]
        # The title is news as well, and says nothing of answers.
        told += [news["running"]] if "running" in news else []
    assert told == [True, True, True, False]


def test_the_title_that_the_model_finds_is_announced(world: World) -> None:
    overview = world.socket(world.alice)
    world.alice.start("How do I plant a tree?")
    while overview.next("conversation_updated")["conversation"]["title"] != "A short title":
        pass


def test_no_news_waits_for_the_first_frame(world: World) -> None:
    """Whatever happens while a socket opens, `conversation` is the first frame."""
    sent, _ = world.answer()
    stop = threading.Event()

    def rename() -> None:
        person = Person(world.alice.user)
        while not stop.is_set():
            person.post(f"/conversations/{sent['conversation']}/rename/", {"title": "Again"})
        connection.close()

    thread = threading.Thread(target=rename)
    thread.start()
    try:
        for _ in range(15):
            socket = world.socket(world.alice, sent["conversation"])
            assert socket.frame()["type"] == "conversation"
            socket.close()
    finally:
        stop.set()
        thread.join()

"""Two servers on one PostgreSQL and Redis: an answer belongs to one of them and is followed, stopped and saved
through the other.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import redis
from websockets.exceptions import ConnectionClosed

from tests import patience
from tests.fake_upstream import FakeUpstream
from tests.reading import ReadingClient
from tests.running_site import RunningSite

from .person import Page, Visitor
from .test_crashes import deltas, whole

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]
Pair = tuple[RunningSite, RunningSite]


@pytest.fixture(scope="module")
def pair(prepared_site: Callable[..., RunningSite], postgres_url: str, redis_url: str) -> Iterator[Pair]:
    shared = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "SECRET_KEY": "s" * 50}
    with prepared_site("one", **shared) as one, prepared_site("other", **shared) as other:
        yield one, other


@pytest.fixture
def visitors(pair: Pair, upstream: FakeUpstream) -> tuple[Visitor, Visitor]:
    first = Visitor(pair[0])
    return first, first.at(pair[1])


def test_a_reader_at_another_process_follows_live_and_has_the_same_in_the_end(
    visitors: tuple[Visitor, Visitor],
) -> None:
    here, there = visitors
    sent = here.start("load-200-10")
    with here.page(sent) as near, there.page(sent) as far:
        assert far.first["running"][0]["generation"] == sent["generation"]
        near.resume()
        far.resume()
        far.until(100)
        number, _ = deltas(far.client.text)[-1]
        assert number < 199, "live, not only at its end"
        far.end()
        near.end()
        assert far.client.text == near.client.text
        assert far.client.stop == near.client.stop
        assert far.client.stops == 1
    assert here.messages(sent)[1]["content"][0]["text"] == near.client.text


def go_on(visitor: Visitor, page: Page, text: str) -> None:
    """The next message of the page's conversation, sent by this visitor: the page reads its answer from now on."""
    path = f"/conversations/{page.sent['conversation']}/messages/"
    page.sent = page.sent | visitor.post(path, text=text)


def test_a_page_at_another_process_gets_an_answer_from_its_first_event_and_the_news(
    visitors: tuple[Visitor, Visitor],
) -> None:
    here, there = visitors
    first = here.start("Hello")
    here.ended(first)
    with there.page(first) as page:
        go_on(here, page, "load-50-10")
        seen = []
        while page.client.stop is None:
            seen.append(page.read()["type"])
        assert "message_created" in seen
        assert [number for number, _ in deltas(page.client.text)] == list(range(50))
        assert page.client.stops == 1


def test_a_wait_for_a_retry_is_shown_at_another_process_as_well(visitors: tuple[Visitor, Visitor]) -> None:
    here, there = visitors
    first = here.start("Hello")
    here.ended(first)
    with there.page(first) as page:
        go_on(here, page, "fault:13*2")
        told = []
        while page.client.stop is None:
            told.append(page.read())
        waits = [frame for frame in told if frame["type"] == "generation_status"]
        assert [(frame["status"], frame["error"]["type"]) for frame in waits] == [("waiting", "busy")] * 2
        assert all(frame["retry_at"] > 0 for frame in waits)


def test_an_answer_that_cannot_even_be_asked_for_ends_at_another_process_as_well(
    visitors: tuple[Visitor, Visitor], postgres_url: str
) -> None:
    here, there = visitors
    first = here.start("Hello")
    here.ended(first)
    with there.page(first) as page, psycopg.connect(postgres_url, autocommit=True) as database:
        page.resume()
        page.end()
        keys = database.execute("SELECT id, api_key FROM conversations_provider").fetchall()
        database.execute("UPDATE conversations_provider SET api_key = 'cannot be read'")
        try:
            go_on(here, page, "More")
        finally:
            for id, key in keys:
                database.execute("UPDATE conversations_provider SET api_key = %s WHERE id = %s", (key, id))
        page.client = ReadingClient()
        stop = page.end()
        assert (stop["status"], stop["error"]["type"]) == ("failed", "auth")
        assert page.client.stops == 1


@pytest.mark.parametrize("by", ["websocket", "post"])
def test_stop_at_another_process_ends_the_answer(
    visitors: tuple[Visitor, Visitor], upstream: FakeUpstream, by: str
) -> None:
    here, there = visitors
    sent = here.start("load-2000-10")
    with here.page(sent) as near, there.page(sent) as far:
        near.resume()
        near.until(40)
        if by == "websocket":
            far.send(type="stop", generation=sent["generation"])
        else:
            there.post(f"/generations/{sent['generation']}/stop/")
        assert upstream.calls[-1].closed.wait(patience.SECONDS)
        assert near.end()["status"] == "stopped"
        far.resume()
        far.end()
        assert far.client.text == near.client.text == there.messages(sent)[1]["content"][0]["text"]


def test_a_database_that_hangs_up_on_everybody_costs_an_answer_nothing(
    visitors: tuple[Visitor, Visitor], postgres_url: str
) -> None:
    """As its restart does: the journal writes on, the other process reads on."""
    here, there = visitors
    sent = here.start("load-1500-10")
    with here.page(sent) as near, there.page(sent) as far:
        for page in (near, far):
            page.resume()
        far.until(20)
        with psycopg.connect(postgres_url, autocommit=True) as database:
            ended = database.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
        assert ended is not None
        assert ended[0] >= 2, "a journal and its reader"
        far.until(far.client.text.count(" ") + 40)
        assert far.client.stop is None, "live, not only at its end"
        near.send(type="stop", generation=sent["generation"])
        assert near.end() == far.end()
        numbers = [number for number, _ in deltas(far.client.text)]
        assert numbers == list(range(len(numbers)))
    assert here.messages(sent)[1]["content"][0]["text"] == near.client.text == far.client.text


def test_a_killed_process_leaves_its_answer_to_the_other_one(
    pair: Pair, visitors: tuple[Visitor, Visitor]
) -> None:
    """Both on one machine: the living one sees that the owner is gone."""
    here, there = visitors
    sent = here.start("load-4000-5")
    with there.page(sent) as far:
        far.resume()
        far.until(100)
        pair[0].end(signal.SIGKILL)
        try:
            stop = far.end()
        finally:
            pair[0].start()
        assert (stop["status"], far.client.stops) == ("interrupted", 1)
    reply: dict[str, Any] = there.messages(sent)[1]
    text = reply["content"][0]["text"]
    assert (reply["status"], far.client.text) == ("interrupted", text)
    assert text == whole(text)
    more = there.post(f"/conversations/{sent['conversation']}/messages/", text="Hello")
    assert there.ended(sent | more)["status"] == "completed"


def rename(visitor: Visitor, sent: Any, title: str) -> None:
    visitor.post(f"/conversations/{sent['conversation']}/rename/", title=title)


def read_until_named(page: Page, title: str) -> None:
    while page.read().get("conversation", {}).get("title") != title:
        pass


def test_what_is_told_while_redis_hangs_up_for_a_moment_is_not_lost(
    pair: Pair, visitors: tuple[Visitor, Visitor], redis_url: str
) -> None:
    """It comes, or the page is asked to come again and sees it then."""
    here, there = visitors
    sent = here.start("Hello")
    logged = len(pair[1].output)
    with there.page(sent) as page:
        rename(here, sent, "Before")
        read_until_named(page, "Before")
        with redis.Redis.from_url(redis_url) as server:
            server.client_kill_filter(_type="pubsub")
        rename(here, sent, "After")
        try:
            read_until_named(page, "After")
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code == 1012
    assert "Traceback" not in pair[1].output[logged:]


def test_signing_out_at_one_process_closes_the_pages_at_the_other(visitors: tuple[Visitor, Visitor]) -> None:
    here, there = visitors
    sent = here.start("Hello")
    with there.page(sent) as page:
        here.http.post("/accounts/logout/", data={"csrfmiddlewaretoken": here.http.cookies["csrftoken"]})
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                page.read()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401

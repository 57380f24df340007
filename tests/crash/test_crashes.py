"""What is left when a server is killed or told to stop in the middle of an answer (promises P1, P2, P12)."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests import patience
from tests.fake_upstream import FakeUpstream, wire
from tests.running_site import RunningSite

from .person import Visitor

pytestmark = pytest.mark.slow
Sites = Callable[..., RunningSite]


def deltas(text: str) -> list[tuple[int, float]]:
    """(number, time of sending) of every delta of a `load` answer; the last may be half a one."""
    words = text.split()
    return [(int(number), float(at)) for number, at in zip(words[::2], words[1::2], strict=False)]


def whole(text: str) -> str:
    return "".join(f"{number} {at:.6f} " for number, at in deltas(text))


def test_after_kill_9_the_text_is_an_exact_prefix_that_lacks_at_most_its_end(
    site_of: Sites, upstream: FakeUpstream
) -> None:
    site = site_of()
    with site:
        visitor = Visitor(site)
        sent = visitor.start("load-2000-5")
        with visitor.page(sent) as page:
            page.resume()
            shown = page.until(400)
        site.end(signal.SIGKILL)
    with site:
        visitor = visitor.at(site)
        reply = visitor.messages(sent)[1]
        assert (reply["status"], reply["error"]["type"]) == ("interrupted", "restart")
        text = reply["content"][0]["text"]
        assert text == whole(text), "no half delta, no other character"
        assert [number for number, _ in deltas(text)] == list(range(len(deltas(text))))
        assert text.startswith(shown) or shown.startswith(text)
        # How long the missing end was, `tests.prove` measures; of two seconds it is not all.
        assert text
        # Somebody who comes back with what he had seen has the stored text in the end.
        with visitor.page(sent) as page:
            assert page.first["running"] == []
            page.resume(400)
            assert page.end()["status"] == "interrupted"
            assert page.client.text == text
        upstream.script(*wire.text_answer("and so on."))
        more = visitor.post(f"/conversations/{sent['conversation']}/messages/{sent['reply']}/continue/")
        with visitor.page(sent | more) as page:
            page.resume()
            assert page.end()["status"] == "completed"
        assert {row["status"] for row in visitor.messages(sent)} == {"completed", "interrupted"}


def refused_or_unreachable(visitor: Visitor) -> None:
    """A send while the server stops is not half taken: it can be repeated at the next one."""
    headers = {"X-CSRFToken": visitor.http.cookies["csrftoken"], "Accept": "application/json"}
    try:
        # Over a connection from before; new ones are no longer taken.
        answer = visitor.http.post("/conversations/", data={"text": "x"}, headers=headers)
    except httpx.TransportError:
        return
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "unavailable")


def test_a_server_told_to_stop_lets_a_short_answer_end(site_of: Sites) -> None:
    site = site_of(CHATSITE_DRAIN_SECONDS="10")
    with site:
        visitor = Visitor(site)
        sent = visitor.start("load-200-5")
        with visitor.page(sent) as page:
            page.resume()
            page.until(20)
            assert site.process is not None
            site.process.send_signal(signal.SIGTERM)
            page.until(60)
            refused_or_unreachable(visitor)
            assert page.end()["status"] == "completed"
            shown = page.client.text
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    page.read()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert site.process.wait(patience.SECONDS) == 0
    # Who copies the database of a stopped site takes this one file.
    copy = shutil.copy(site.data_dir / "db.sqlite3", site.data_dir / "copy.sqlite3")
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT status FROM conversations_generation").fetchall() == [("completed",)]
    with site:
        assert visitor.at(site).messages(sent)[1]["content"][0]["text"] == shown


def test_a_server_told_to_stop_keeps_everything_of_a_long_answer(
    site_of: Sites, upstream: FakeUpstream
) -> None:
    site = site_of(CHATSITE_DRAIN_SECONDS="0.5")
    with site:
        visitor = Visitor(site)
        sent = visitor.start("load-4000-5")
        with visitor.page(sent) as page:
            page.resume()
            page.until(20)
            assert site.process is not None
            site.process.send_signal(signal.SIGTERM)
            stop = page.end()
            shown = page.client.text
        assert (stop["status"], stop["error"]["type"]) == ("interrupted", "restart")
        assert site.process.wait(patience.SECONDS) == 0
        assert upstream.calls[0].closed.wait(patience.SECONDS)
    with site:
        reply = visitor.at(site).messages(sent)[1]
        assert (reply["status"], reply["content"][0]["text"]) == ("interrupted", shown)


def test_a_try_that_failed_before_a_kill_stays_in_the_ledger(site_of: Sites, upstream: FakeUpstream) -> None:
    site = site_of()

    def calls() -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(site.data_dir / "db.sqlite3", timeout=20)) as database:
            return database.execute(
                "SELECT attempt, status, error_type FROM conversations_usagerecord ORDER BY id"
            ).fetchall()

    with site:
        visitor = Visitor(site)
        sent = visitor.start("fault:9:50")
        ends = time.monotonic() + patience.SECONDS
        while not calls() and time.monotonic() < ends:
            time.sleep(0.02)
        site.end(signal.SIGKILL)
    with site:
        assert visitor.at(site).ended(sent)["status"] == "interrupted"
        # What the dead process did after its pause is not known: it counts as a try.
        assert calls() == [(1, "failed", "limit"), (2, "interrupted", "restart")]


def test_a_killed_queued_answer_is_not_left_running(site_of: Sites, upstream: FakeUpstream) -> None:
    """Killed before the upstream said anything."""
    site = site_of()
    with site:
        visitor = Visitor(site)
        sent = visitor.start("fault:16")
        with visitor.page(sent) as page:
            assert page.first["running"]
        site.end(signal.SIGKILL)
    with site:
        visitor = visitor.at(site)
        reply = visitor.ended(sent)
        assert (reply["status"], reply["content"]) == ("interrupted", [])
        more = visitor.post(f"/conversations/{sent['conversation']}/messages/{sent['reply']}/regenerate/")
        assert more["message"] == sent["message"]

"""`generation_status`: what a page is told while nothing comes; and what of it a late page must not hear."""

from __future__ import annotations

from typing import Any

import pytest

from tests import patience
from tests.clients import Frame
from tests.fake_upstream import wire
from tests.fake_upstream.steps import Hang, Reply, Told
from tests.world import World


@pytest.fixture
def world(quick: Any, world: World) -> World:
    return world


@pytest.fixture
def early_word(quick: Any) -> None:
    """It is said soon that an answer is slow, and waited for all the same."""
    quick.SLOW_ANSWER_SECONDS = 0.1
    quick.UPSTREAM_FIRST_BYTE_TIMEOUT = quick.UPSTREAM_SILENCE_TIMEOUT = patience.SECONDS
    quick.UPSTREAM_PROGRESS_TIMEOUT = quick.UPSTREAM_TOTAL_TIMEOUT = 2 * patience.SECONDS


def follow(world: World, sent: dict[str, Any], until: str) -> list[Frame]:
    page = world.socket(world.alice, sent["conversation"])
    page.frame()
    page.resume(sent["generation"], 0)
    return [frame for frame in page.until(until) if frame.get("generation") == sent["generation"]]


def test_a_slow_first_word_is_told(early_word: None, world: World) -> None:
    answer = Told()
    world.upstream.script(answer)
    sent = world.alice.start()
    status = follow(world, sent, "generation_status")[-1]
    assert status == {
        "type": "generation_status", "generation": sent["generation"], "message": sent["reply"],
        "status": "slow", "retry_at": None, "error": None,
    }  # fmt: skip
    answer.give(b"".join(wire.text_answer("There.")))
    answer.end()
    assert follow(world, sent, "message_stop")[-1]["status"] == "completed"
    assert len(world.asked()) == 1


def test_a_quick_answer_has_no_status(world: World) -> None:
    _, frames = world.answer()
    assert not [frame for frame in frames if frame["type"] == "generation_status"]


def test_a_page_that_comes_after_the_wait_hears_nothing_of_it(world: World) -> None:
    world.upstream.script(Reply(529, wire.error_body("overloaded_error", "Overloaded")))
    world.upstream.script(wire.message_start(), wire.block_start(), wire.text_delta("Some text"), Hang())
    sent = world.alice.start()
    follow(world, sent, "content_block_delta")
    assert [frame["type"] for frame in follow(world, sent, "content_block_delta")] == [
        "message_start", "content_block_start", "content_block_delta",
    ]  # fmt: skip


def test_a_wait_that_ends_in_failure_leaves_one_stop(world: World) -> None:
    sent, _ = world.answer("fault:13")
    later = follow(world, sent, "message_stop")
    assert [frame["type"] for frame in later] == ["message_start", "message_stop"]

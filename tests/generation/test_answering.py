"""One message from key press to key press, in one process."""

from __future__ import annotations

from tests.world import World


def test_an_answer_streams_to_the_open_page_and_is_stored(world: World) -> None:
    sent, frames = world.answer("Hello")
    text = "".join(f["delta"]["text"] for f in frames if f["type"] == "content_block_delta")
    assert text == "Hello from the fake upstream."
    assert frames[-1]["status"] == "completed"
    stored = world.alice.messages(sent["conversation"])[-1]
    assert stored["content"] == [{"type": "text", "text": text}]

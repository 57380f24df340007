"""Answers of numbered words: what is missing or doubled shows at once."""

from __future__ import annotations

from playwright.async_api import expect

from .place import LiveAnswer
from .visit import Chat


def words(answer: LiveAnswer, first: int, last: int) -> None:
    """Sends the words `first` … `last - 1`."""
    for number in range(first, last):
        answer.text(f"w{number} ")


async def has_exactly(chat: Chat, last: int) -> None:
    """The answer shows the words 0 … last - 1, each once."""
    await expect(chat.answers.last).to_contain_text(f"w{last - 1}")
    text = await chat.text_of(chat.answers.last)
    assert text.split() == [f"w{number}" for number in range(last)]

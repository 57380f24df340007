from __future__ import annotations

import logging
import sys

import pytest

from chatsite.logging import PlainFormatter


def line(message: str, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    return PlainFormatter("{message}", style="{").format(
        logging.LogRecord("x", logging.INFO, "f", 1, message, (), info)
    )


@pytest.mark.parametrize(
    ("message", "hidden"),
    [
        ("key sk-ant-api03-abcdefgh_1234 refused", "abcdefgh"),
        ("Not Found: /setup/q7y9QbfjrCXf8RlH6csIBZtsu6/", "q7y9Qbfj"),
        ("connect postgres://me:pa55@host/db", "pa55"),
    ],
)
def test_secrets_are_hidden(message: str, hidden: str) -> None:
    assert hidden in message
    assert hidden not in line(message)


def test_a_name_cannot_forge_a_line_or_colour_a_terminal() -> None:
    text = line("user 'x\n2030-01-01 ERROR all is lost\x1b[31m\u2028'")
    assert "\n" not in text
    assert "\x1b" not in text
    assert "\u2028" not in text


def test_a_traceback_keeps_its_lines_and_hides_its_secrets() -> None:
    try:
        raise RuntimeError("sk-ant-api03-abcdefgh_1234")
    except RuntimeError:
        text = line("failed", sys.exc_info()[1])
    assert text.count("\n") > 2
    assert "abcdefgh" not in text

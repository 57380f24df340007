from __future__ import annotations

import logging
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

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
        ("Internal Server Error: /invitation/q7y9QbfjrCXf8RlH6csIBZtsu6/", "q7y9Qbfj"),
        ("Internal Server Error: /password/MQ/cy1k2z-0123456789abcdef/", "0123456789abcdef"),
        ("Internal Server Error: /share/q7y9QbfjrCXf8RlH6csIBZ/files/0123/thumbnail/", "q7y9Qbfj"),
        (
            "Internal Server Error: /accounts/password/reset/key/1-cy1k2z-0123456789abcdef/",
            "0123456789abcdef",
        ),
        ("Internal Server Error: /accounts/confirm-email/MQ:1tAbcd:q7y9QbfjrCXf8RlH6cs/", "q7y9Qbfj"),
    ],
)
def test_secrets_are_hidden(message: str, hidden: str) -> None:
    assert hidden in message
    assert hidden not in line(message)


@pytest.mark.parametrize(
    "path", ["/people/invitations/7/revoke/", "/accounts/password/reset/done/", "/setup/"]
)
def test_an_address_without_a_token_is_told(path: str) -> None:
    assert path in line(f"Internal Server Error: {path}")


def test_a_name_cannot_forge_a_line_or_colour_a_terminal() -> None:
    text = line("user 'x\n2030-01-01 ERROR all is lost\x1b[31m\x9b31m\u2028'")
    assert "\n" not in text
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\u2028" not in text


def test_a_traceback_keeps_its_lines_and_hides_its_secrets() -> None:
    try:
        raise RuntimeError("sk-ant-api03-abcdefgh_1234")
    except RuntimeError:
        text = line("failed", sys.exc_info()[1])
    assert text.count("\n") > 2
    assert "abcdefgh" not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        {f"field-{number}": "x" for number in range(1001)},
        {"file": [SimpleUploadedFile("a.txt", b"x") for _ in range(101)]},
    ],
    ids=["fields", "files"],
)
def test_too_much_of_something_is_no_error_of_the_server(
    body: dict[str, object], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert Client().post("/accounts/login/", body).status_code == 400
    assert not caplog.records
    assert "Traceback" not in capsys.readouterr().err

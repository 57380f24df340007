"""/metrics and JSON log lines."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client

from chatsite.logging import JsonFormatter, generation_id, request_id
from tests.world import World


def test_metrics_count_answers_and_need_their_token(world: World, settings: Any) -> None:
    settings.METRICS_TOKEN = "metrics-token"
    client = Client()
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer other").status_code == 404

    def value(name: str) -> float:
        text = client.get("/metrics", HTTP_AUTHORIZATION="Bearer metrics-token").content.decode()
        return next(
            (float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " ")), 0.0
        )

    before = value('chatsite_answers_total{status="completed"}')
    world.answer("Hello")
    assert value('chatsite_answers_total{status="completed"}') == before + 1
    assert value('chatsite_tokens_total{kind="output"}') > 0
    assert value("chatsite_answers_running") == 0
    assert value("chatsite_first_word_seconds_count") > 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("bearer metrics-token", 200),
        ("BEARER  metrics-token", 200),
        ("metrics-token", 404),
        ("Basic metrics-token", 404),
    ],
)
def test_the_token_of_metrics_follows_the_name_of_its_scheme_in_any_case(
    settings: Any, sent: str, status: int
) -> None:
    settings.METRICS_TOKEN = "metrics-token"
    assert Client().get("/metrics", HTTP_AUTHORIZATION=sent).status_code == status


def test_metrics_are_closed_without_a_token(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


def test_a_json_line_names_its_request_and_answer() -> None:
    tokens = request_id.set("r1"), generation_id.set("g1")
    try:
        raise ValueError("sk-canary-0123456789abcdef")
    except ValueError:
        record = logging.LogRecord(
            "here", logging.ERROR, "f", 1, "two\nlines\x1b\u2028 %s", ("x",), sys.exc_info()
        )
        line = JsonFormatter().format(record)
    finally:
        request_id.reset(tokens[0]), generation_id.reset(tokens[1])
    assert "\n" not in line and "sk-canary" not in line and line.isascii()
    found = json.loads(line)
    assert (found["request"], found["generation"], found["message"]) == ("r1", "g1", "two\nlines\x1b\u2028 x")
    assert "ValueError" in found["traceback"]

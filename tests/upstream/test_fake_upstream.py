"""The fake itself: what other tests and the load program build on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.fake_upstream import FakeUpstream

ROOT = Path(__file__).parents[2]


def post(url: str, body: dict[str, Any]) -> bytes:
    request = Request(url + "/v1/messages", json.dumps(body).encode(), {"x-api-key": "k"})
    with urlopen(request, timeout=10) as response:
        return bytes(response.read())


def test_load_mode_numbers_and_dates_its_deltas(upstream: FakeUpstream) -> None:
    before = time.time()
    lines = post(upstream.url, {"model": "load-5-10", "stream": True}).split(b"\n")
    deltas = [
        json.loads(line[6:])["delta"]["text"]
        for line in lines
        if line.startswith(b"data: ") and b"text_delta" in line
    ]
    assert [int(text.split()[0]) for text in deltas] == [0, 1, 2, 3, 4]
    times = [float(text.split()[1]) for text in deltas]
    assert before <= times[0] and times == sorted(times) and times[-1] - times[0] >= 0.035


def test_unthrottled_load_is_faster_than_any_relay(upstream: FakeUpstream) -> None:
    began = time.process_time()
    raw = post(upstream.url, {"model": "load-100000-0", "stream": True})
    assert raw.count(b'"text_delta"') == 100_000
    assert time.process_time() - began < 1.5  # 0.2 s here


def test_the_ledger_knows_what_was_asked_and_how_it_ended(upstream: FakeUpstream) -> None:
    post(upstream.url, {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
    with urlopen(upstream.url + "/ledger", timeout=10) as response:
        [call] = json.loads(response.read())
    assert (call["path"], call["headers"]["x-api-key"], call["body"]["model"]) == ("/v1/messages", "k", "m")
    assert call["finished"] and not call["client_left"] and call["bytes_sent"] > 500


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.fake_upstream", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert b"Hello" in post(url, {"model": "m", "stream": True, "messages": []})
        finally:
            process.terminate()

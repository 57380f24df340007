"""Texts made to cost more than they are worth, in the real render process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conversations.rendering import worker
from conversations.rendering.plain import plain_blocks
from conversations.rendering.process import WorkerProcess
from tests.running_site import ROOT

from .inspection import Inspector, faults

COSTLY = {
    "images never closed": "![" * 80_000,
    "links never closed": "[" * 80_000,
    "emphasis never closed": "**_" * 80_000,
    "schemes": "http://" * 34_000,
    "nested links": "[a](" * 50_000,
    "a padded table": "|a" * 60 + "|\n" + "|-" * 60 + "|\n" + "|\n" * 1100,
    "a wide table": "|a" * 8000 + "|\n" + "|-" * 8000 + "|\n" + "|b\n" * 200,
    "definitions": "[a]: b\n" * 30_000,
    "quotes": ">" * 80_000,
    "lists": "- " * 60_000 + "x",
    "backticks": "".join("`" * n + "a" for n in range(1, 700)),
    "entities": "&#" * 80_000,
    "tags": "<a " * 50_000,
    "strikes": "~a~~" * 50_000,
    "dollars": "$a " * 50_000,
    "brackets": "\\(" * 80_000,
    "braces": "$$\\frac{" * 2000,
    "formulas": "".join(f"$x_{{{n}}}$ " for n in range(15_000)),
    "bare hosts": "www.a " * 40_000,
    "marks": "e" + "\u0301" * 100_000,
    "code in a language with a slow lexer": "```perl\n" + "s{" * 10_000 + "\n```",
}
NEVER_FORMATTED = {"images never closed", "links never closed", "emphasis never closed", "a padded table"}
# The timer ticks in steps, and a step is not counted before it ends.
SLACK = 0.2


@pytest.fixture(scope="module")
def process() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.kill()


@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_text_ends_within_its_budget_and_loses_nothing(name: str, process: WorkerProcess) -> None:
    text = COSTLY[name]
    reply = process.ask({"text": text}, 20.0)
    blocks = reply["html"]
    assert reply["cpu"] <= 2 * worker.STEP_SECONDS + SLACK
    assert sum(map(len, blocks)) <= 4 * 1024 * 1024
    plain = all(block.startswith('<p class="plain">') for block in blocks)
    assert plain or name not in NEVER_FORMATTED
    if plain:
        assert (
            Inspector("".join(blocks)).text.rstrip() == Inspector("".join(plain_blocks(text))).text.rstrip()
        )
    assert [fault for fault in faults(blocks) if "closed" not in fault] == []


def test_a_costly_tail_is_given_up_within_its_budget(process: WorkerProcess) -> None:
    reply = process.ask({"tail": "![" * 80_000, "references": {}, "final": True}, 20.0)
    assert reply["segment"] is None and reply["cpu"] <= worker.STEP_SECONDS + SLACK


def test_one_costly_block_leaves_the_others_their_format(process: WorkerProcess) -> None:
    blocks = process.ask({"text": "**before**\n\n" + "![" * 80_000 + "\n\n**after**"}, 20.0)["html"]
    assert blocks[0] == "<p><strong>before</strong></p>\n" and blocks[-1] == "<p><strong>after</strong></p>\n"
    assert blocks[1].startswith('<p class="plain">![![')


def test_a_large_honest_answer_is_formatted(process: WorkerProcess) -> None:
    prose = "## Title\n\nSome **bold** text with `code` and $x^2$.\n\n- a\n- b\n\n"
    part = prose + "```python\ndef f(x):\n    return x + 1\n```\n\n"
    # More than one step may render; and cut into blocks in a fifth of one, on a slow machine at rest.
    blocks = process.ask({"text": part * (36 * 1024 // len(part))}, 20.0)["html"]
    assert not any('class="plain"' in block for block in blocks)


# Each module that is loaded for a formula or for a language takes longer than a step may.
SLOW_MACHINE = """
import json, sys, time
from conversations.rendering import budget, worker

class Slow:
    @staticmethod
    def find_spec(name, path, target=None):
        if name in ("latex2mathml.converter", "pygments.lexers.jvm", "pygments.lexers.julia"):
            loads.append(name)
            end = time.process_time() + 1.2 * worker.STEP_SECONDS
            while time.process_time() < end:
                pass

loads = []
budget.install()
sys.meta_path.insert(0, Slow)
text = "$x$\\n\\n```scala\\nval x = 1\\n```\\n\\n```julia\\nx = 1\\n```\\n\\n**after**"
print(json.dumps([loads, worker.answer({"text": text})["html"], worker.answer({"text": "![" * 80_000})["html"]]))
"""


def test_what_is_loaded_once_costs_no_text_its_format() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SLOW_MACHINE], cwd=ROOT, capture_output=True, check=True
    ).stdout
    loads, blocks, costly = json.loads(said)
    assert len(loads) == 3
    assert [block.split()[0] for block in blocks] == [
        "<p><math",
        "<figure",
        "<figure",
        "<p><strong>after</strong></p>",
    ]
    # The clock goes on afterwards.
    assert costly[0].startswith('<p class="plain">')
